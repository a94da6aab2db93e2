// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <limits>
#include <type_traits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/channels.hpp"
#include "etch/layers/options.hpp"

// What is normalised within one sample. Epsilon stands inside the root.

namespace etch {

namespace detail {
/// The last `count` axes of a shape.
template <class S, std::size_t count> constexpr Dims trailing_dims() {
  Dims d;
  for (std::size_t i = S::rank - count; i < S::rank; ++i) d.push(S::dims[i]);
  return d;
}

/// Each row of u [rows, n]: (u - mean) / sqrt(var + epsilon), var the biased one.
template <double epsilon, Expr U> constexpr auto standardised(U u) {
  const auto centred = u - mean<-1>(u, keepdim);
  const auto variance = mean<-1>(centred * centred, keepdim);
  return centred * rsqrt(variance + constant<epsilon>);
}

/// What is normalised over trailing axes: those of `Normalized`, or if that is void the last one.
template <class Normalized, class... Options> struct OverTrailingAxes {
  template <class S> struct over {
    using type = Normalized;
  };
  template <class S>
    requires std::is_void_v<Normalized>
  struct over<S> {
    static constexpr Dims dims = trailing_dims<S, 1>();
    using type = ShapeFrom<dims>;
  };

  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Epsilon, option::Affine>::template check<Options...>();
    if constexpr (!known.ok) {
      return known;
    } else if constexpr (S::rank == 0) {
      return Misfit<RankOfAtLeast<1>, S>{};
    } else {
      using N = typename over<S>::type;
      if constexpr (N::rank > S::rank) return Misfit<N, S>{};
      else return Verdict<(trailing_dims<S, N::rank>() == N::dims), N, S>{};
    }
  }
};

/// Channels [C, ..] normalised in groups, then weight [C] and bias [C] if `affine`.
template <std::size_t groups, double epsilon, bool affine, Expr X>
constexpr auto group_norm(X x) {
  using S = ShapeOf<X>;
  using C = Shape<S::dims[0]>;
  const auto u = reshape<Shape<groups, S::size / groups>>(x);
  const auto y = reshape<S>(standardised<epsilon>(u));
  if constexpr (affine) {
    return y * per_channel<S>(parameter<"weight", C, Ones>) +
           per_channel<S>(parameter<"bias", C, Zeros>);
  } else {
    return y;
  }
}

/// Samples are [C] and so many axes more, on which there is something to take a variance of.
template <std::size_t axes, class... Options> struct InstanceNorm {
  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Epsilon, option::Affine>::template check<Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (S::rank != axes + 1) return Misfit<AnyShapeOfRank<axes + 1>, S>{};
    else return Verdict<(S::size > S::dims[0]), ElementsPerChannel<2>, S>{};
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr double epsilon = option_or<option::Epsilon, 1e-5, Options...>();
    constexpr bool affine = option_or<option::Affine, false, Options...>();
    return group_norm<ShapeOf<X>::dims[0], epsilon, affine>(x);
  }
};
}  // namespace detail

/// (x - mean) / sqrt(var + epsilon) * weight + bias over the trailing axes that `Normalized` names
/// (Ba et al. 2016), as torch.nn.LayerNorm; var is the biased one. weight, bias: Normalized.
/// Without a shape: the last axis. Options: Epsilon<1e-5>, Affine<false>.
template <class Normalized = void, class... Options>
struct LayerNorm : detail::OverTrailingAxes<Normalized, Options...> {
  template <Expr X> static constexpr auto formula(X x) {
    using S = ShapeOf<X>;
    using N = typename LayerNorm::template over<S>::type;
    constexpr double epsilon = option_or<option::Epsilon, 1e-5, Options...>();
    const auto u = reshape<Shape<S::size / N::size, N::size>>(x);
    const auto y = reshape<S>(detail::standardised<epsilon>(u));
    if constexpr (option_or<option::Affine, true, Options...>()) {
      return y * parameter<"weight", N, Ones> + parameter<"bias", N, Zeros>;
    } else {
      return y;
    }
  }
};

/// x / sqrt(mean(x^2) + epsilon) * weight over the trailing axes that `Normalized` names (Zhang and
/// Sennrich 2019), as torch.nn.RMSNorm. weight: Normalized. Without a shape: the last axis.
/// Options: Epsilon<e>, by default that of a float, 2^-23; Affine<false>.
template <class Normalized = void, class... Options>
struct RMSNorm : detail::OverTrailingAxes<Normalized, Options...> {
  template <Expr X> static constexpr auto formula(X x) {
    using S = ShapeOf<X>;
    using N = typename RMSNorm::template over<S>::type;
    constexpr double smallest = std::numeric_limits<float>::epsilon();
    constexpr double epsilon = option_or<option::Epsilon, smallest, Options...>();
    const auto u = reshape<Shape<S::size / N::size, N::size>>(x);
    const auto y = reshape<S>(u * rsqrt(mean<-1>(u * u, keepdim) + constant<epsilon>));
    if constexpr (option_or<option::Affine, true, Options...>()) {
      return y * parameter<"weight", N, Ones>;
    } else {
      return y;
    }
  }
};

/// LayerNorm's formula over each of `num_groups` groups of neighbouring channels with all their
/// elements (Wu and He 2018), as torch.nn.GroupNorm. Samples are [C, ..]; weight, bias: [C].
/// Options: Epsilon<1e-5>, Affine<false>.
template <std::size_t num_groups, class... Options> struct GroupNorm {
  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Epsilon, option::Affine>::template check<Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (num_groups == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else if constexpr (S::rank == 0) return Misfit<RankOfAtLeast<1>, S>{};
    else return Verdict<S::dims[0] % num_groups == 0, ChannelsDivisibleBy<num_groups>, S>{};
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr double epsilon = option_or<option::Epsilon, 1e-5, Options...>();
    constexpr bool affine = option_or<option::Affine, true, Options...>();
    return detail::group_norm<num_groups, epsilon, affine>(x);
  }
};

/// Each channel of [C, L] normalised by itself, as torch.nn.InstanceNorm1d; without running
/// statistics. Options: Epsilon<1e-5>, Affine<true>: weight, bias: [C] (Ulyanov et al. 2016).
template <class... Options> struct InstanceNorm1d : detail::InstanceNorm<1, Options...> {};

/// The same for [C, H, W], as torch.nn.InstanceNorm2d.
template <class... Options> struct InstanceNorm2d : detail::InstanceNorm<2, Options...> {};

}  // namespace etch
