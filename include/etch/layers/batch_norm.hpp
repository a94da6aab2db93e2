// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/options.hpp"

namespace etch {

/// What BatchNorm1d expects.
struct RankOneOrTwo {};

namespace detail {

/// Per channel (axis 0), over everything behind it and all samples (Ioffe and Szegedy 2015).
template <class... Options> struct BatchNorm {
  static constexpr auto options_fit() {
    return Known<option::Epsilon, option::Momentum, option::Affine>::template check<Options...>();
  }

  template <Expr X> static constexpr auto formula(X x) {
    using S = ShapeOf<X>;
    constexpr std::size_t c = S::dims[0], n = S::size / c;
    constexpr auto epsilon = constant<option_or<option::Epsilon, 1e-5, Options...>()>;
    constexpr double momentum = option_or<option::Momentum, 0.1, Options...>();
    constexpr auto running_mean = buffer<"running_mean", Shape<c>, Zeros>;
    constexpr auto running_var = buffer<"running_var", Shape<c>, Ones>;

    const auto u = reshape<Shape<c, n>>(x);
    constexpr auto share = constant<1.0 / static_cast<double>(n)>;
    const auto w = sample_weight;
    const auto mean = sum_over_batch<1>(u * w) * share;
    const auto centred = u - as_column(mean);
    const auto var = sum_over_batch<1>(centred * centred * w) * share;

    // PyTorch normalises with the biased variance and remembers the unbiased one: N / (N - 1) times
    // as large, N = n / sum(w^2) being the numbers of a channel. One number has none: the running
    // one stays.
    const auto of_one = sum_over_batch(w * w) * share;
    const auto unbiased =
        where(of_one < constant<1.0>, var / (constant<1.0> - of_one), running_var);
    const auto renew = [=](auto old, auto found) {
      return constant<1 - momentum> * old + constant<momentum> * found;
    };

    const auto trained = centred * as_column(rsqrt(var + epsilon));
    const auto inferred =
        (u - as_column(running_mean)) * as_column(rsqrt(running_var + epsilon));
    const auto y = affine(by_phase(trained, inferred));
    return reshape<S>(renewed(renewed(y, running_mean, renew(running_mean, mean)), running_var,
                              renew(running_var, unbiased)));
  }

 private:
  template <Expr U> static constexpr auto affine(U u) {
    using C = Shape<ShapeOf<U>::dims[0]>;
    if constexpr (option_or<option::Affine, true, Options...>()) {
      return u * as_column(parameter<"weight", C, Ones>) + as_column(parameter<"bias", C, Zeros>);
    } else {
      return u;
    }
  }
};

}  // namespace detail

/// Normalises each feature of [C], or each channel of [C, L], with mean and variance of the batch
/// in training and the running ones in inference, as torch.nn.BatchNorm1d. weight, bias: [C];
/// buffers running_mean, running_var: [C] (num_batches_tracked is not kept). Options:
/// Epsilon<1e-5>, Momentum<0.1>, Affine<false>. A batch of one number a channel, which PyTorch
/// refuses, is normalised to zero.
template <class... Options> struct BatchNorm1d : detail::BatchNorm<Options...> {
  template <class S> static constexpr auto fits() {
    constexpr auto known = detail::BatchNorm<Options...>::options_fit();
    if constexpr (!known.ok) return known;
    else return Verdict<(S::rank == 1 || S::rank == 2), RankOneOrTwo, S>{};
  }
};

/// The same for [C, H, W], as torch.nn.BatchNorm2d.
template <class... Options> struct BatchNorm2d : detail::BatchNorm<Options...> {
  template <class S> static constexpr auto fits() {
    constexpr auto known = detail::BatchNorm<Options...>::options_fit();
    if constexpr (!known.ok) return known;
    else return Verdict<S::rank == 3, AnyShapeOfRank<3>, S>{};
  }
};

}  // namespace etch
