// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/node.hpp"

// Functions of formulas that look at images through a window.

namespace etch {

/// Kernel (pooling only), stride, padding, dilation and groups of a two-dimensional window.
struct Window2d {
  Array2<std::size_t> kernel{1, 1}, stride{1, 1}, padding{}, dilation{1, 1};
  std::size_t groups = 1;

  constexpr Attributes attributes() const {
    Attributes a{.groups = groups};
    for (std::size_t i = 0; i < 2; ++i) {
      a.kernel[i] = kernel[i];
      a.stride[i] = stride[i];
      a.padding[i] = padding[i];
      a.dilation[i] = dilation[i];
    }
    return a;
  }
};

/// x: [C, H, W], weight: [O, C / groups, kh, kw] -> [O, H', W'], cross-correlation as in PyTorch.
template <Window2d window, Expr X, Expr W> constexpr auto conv2d(X, W) {
  constexpr Attributes a = window.attributes();
  using S = ShapeFrom<conv2d_dims(a, ShapeOf<X>::dims, ShapeOf<W>::dims)>;
  return Node<Op::conv2d, a, S, X, W>{};
}

/// ... -> S = [O, H', W'], the first windows of an image with zeros behind it without end: the
/// padding of `window` is only the one in front. How uneven paddings come without a copy of x.
template <Window2d window, class S, Expr X, Expr W> constexpr auto conv2d(X, W) {
  constexpr Attributes a = window.attributes();
  return Node<Op::conv2d, a, S, X, W>{};
}

/// The adjoint of conv2d in x. x: [C, H, W], weight: [C, O / groups, kh, kw] -> S = [O, H', W'],
/// y[o, i s + k d - p] being the sum of x[c, i] weight[c, o, k] along both axes.
template <Window2d window, class S, Expr X, Expr W> constexpr auto conv_transpose2d(X, W) {
  constexpr Attributes a = window.attributes();
  return Node<Op::conv2d_input_gradient, a, S, X, W>{};
}

/// x: [C, H, W] -> [C, H', W'].
template <Window2d window, Expr X> constexpr auto max_pool2d(X) {
  constexpr Attributes a = window.attributes();
  return Node<Op::max_pool2d, a, ShapeFrom<pool2d_dims(a, ShapeOf<X>::dims)>, X>{};
}
template <Window2d window, Expr X> constexpr auto avg_pool2d(X) {
  constexpr Attributes a = window.attributes();
  return Node<Op::avg_pool2d, a, ShapeFrom<pool2d_dims(a, ShapeOf<X>::dims)>, X>{};
}

/// The adjoint of avg_pool2d: every number, divided by the size of the window, added to all places
/// of its window in S = [C, H', W'].
template <Window2d window, class S, Expr X> constexpr auto avg_pool2d_transpose(X) {
  constexpr Attributes a = window.attributes();
  return Node<Op::avg_pool2d_gradient, a, S, X>{};
}

}  // namespace etch
