// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/affine.hpp"
#include "etch/layers/options.hpp"

// Products of features with features.

namespace etch {

/// y_o = x1^T W_o x2 + b_o, as torch.nn.Bilinear; formula(x1, x2) with x1 [.., In1], x2 [.., In2]
/// -> [.., Out]. weight: [Out, In1, In2], bias: [Out]. Options: Bias<false>.
template <std::size_t out, class... Options> struct Bilinear {
  template <class S> static constexpr auto fits() { return Misfit<TwoInputs, S>{}; }

  template <class S, class T> static constexpr auto fits() {
    constexpr auto known = Known<option::Bias>::template check<Options...>();
    if constexpr (!known.ok) {
      return known;
    } else if constexpr (out == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else if constexpr (S::rank == 0) {
      return Misfit<RankOfAtLeast<1>, S>{};
    } else if constexpr (T::rank == 0) {
      return Misfit<RankOfAtLeast<1>, T>{};
    } else {
      constexpr Dims wanted = detail::with_last<S, T::dims[T::rank - 1]>();
      return Verdict<T::dims == wanted, ShapeFrom<wanted>, T>{};
    }
  }

  template <Expr X, Expr Y> static constexpr auto formula(X x1, Y x2) {
    using S = ShapeOf<X>;
    constexpr std::size_t m = extent_of<-1>(X{}), n = extent_of<-1>(Y{});
    constexpr auto w = parameter<"weight", Shape<out, m, n>, FanInUniform<m>>;
    constexpr auto b = parameter<"bias", Shape<out>, FanInUniform<m>>;
    // All products of two features, so that W is one matrix [Out, In1 In2].
    const auto products = reshape<ShapeFrom<detail::with_last<S, m, 1>()>>(x1) *
                          reshape<ShapeFrom<detail::with_last<S, 1, n>()>>(x2);
    const auto z = reshape<ShapeFrom<detail::with_last<S, m * n>()>>(products);
    const auto y = detail::linear_map(reshape<Shape<out, m * n>>(w), z);
    return detail::plus_bias<Options...>(y, b);
  }
};

/// F F^T / (C H W) for the feature maps F [C, H W] of [C, H, W]: the style of an image -> [C, C]
/// (Gatys et al. 2016). Any number of axes behind C.
struct Gram {
  template <class S> static constexpr auto fits() {
    return Verdict<(S::rank >= 2), AnyShapeOfRank<3>, S>{};
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t c = extent_of<0>(X{}), n = size_of(X{});
    const auto f = reshape<Shape<c, n / c>>(x);
    return matmul(f, transpose(f)) * constant<1 / static_cast<double>(n)>;
  }
};

}  // namespace etch
