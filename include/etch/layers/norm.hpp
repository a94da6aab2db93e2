// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/options.hpp"

namespace etch {

namespace detail {
/// The last `count` axes of a shape.
template <class S, std::size_t count> constexpr Dims trailing_dims() {
  Dims d;
  for (std::size_t i = S::rank - count; i < S::rank; ++i) d.push(S::dims[i]);
  return d;
}
}  // namespace detail

/// (x - mean) / sqrt(var + epsilon) * weight + bias over the trailing axes that `Normalized` names
/// (Ba et al. 2016), as torch.nn.LayerNorm; var is the biased one. weight, bias: Normalized.
/// Without a shape: the last axis. Options: Epsilon<1e-5>, Affine<false>.
template <class Normalized = void, class... Options> struct LayerNorm {
  template <class S> struct over {
    using type = Normalized;
  };
  template <class S>
    requires std::is_void_v<Normalized>
  struct over<S> {
    static constexpr Dims dims = detail::trailing_dims<S, 1>();
    using type = ShapeFrom<dims>;
  };

  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Epsilon, option::Affine>::template check<Options...>();
    if constexpr (!known.ok) {
      return known;
    } else if constexpr (S::rank == 0) {
      return Misfit<AnyShapeOfRank<1>, S>{};
    } else {
      using N = typename over<S>::type;
      if constexpr (N::rank > S::rank) return Misfit<N, S>{};
      else return Verdict<(detail::trailing_dims<S, N::rank>() == N::dims), N, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    using S = ShapeOf<X>;
    using N = typename over<S>::type;
    constexpr double epsilon = option_or<option::Epsilon, 1e-5, Options...>();
    const auto u = reshape<Shape<S::size / N::size, N::size>>(x);
    const auto centred = u - mean<-1>(u, keepdim);
    const auto variance = mean<-1>(centred * centred, keepdim);
    const auto y = reshape<S>(centred * rsqrt(variance + constant<epsilon>));
    if constexpr (option_or<option::Affine, true, Options...>()) {
      return y * parameter<"weight", N, Ones> + parameter<"bias", N, Zeros>;
    } else {
      return y;
    }
  }
};

}  // namespace etch
