// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"

// Layers over one axis are those over two: the sequence [C, L] is the image [C, 1, L].

namespace etch::detail {

/// A whole number in a formula.
template <std::size_t n> inline constexpr auto whole = constant<static_cast<double>(n)>;

template <Dims sample> constexpr Dims image_dims() {
  if constexpr (sample.rank == 2) return Dims{3, {sample[0], 1, sample[1]}};
  else return sample;
}

template <Expr X> constexpr auto as_image(X x) {
  constexpr Dims image = image_dims<ShapeOf<X>::dims>();
  return reshape<ShapeFrom<image>>(x);
}

/// The way back, if the layer has one axis.
template <std::size_t axes, Expr Y> constexpr auto from_image(Y y) {
  constexpr Dims image = ShapeOf<Y>::dims;
  if constexpr (axes == 1) return reshape<Shape<image[0], image[2]>>(y);
  else return y;
}

}  // namespace etch::detail
