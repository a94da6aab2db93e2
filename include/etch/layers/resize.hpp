// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/layers/image.hpp"
#include "etch/layers/options.hpp"

namespace etch {

namespace detail {

/// [n, scale n]: W[j, i] = max(0, 1 - |source(i) - j|), the share of element j in element i, whose
/// place in the source is (i + 1/2) / scale - 1/2, or i (n - 1) / (scale n - 1) if corners are
/// aligned. As a fraction over d, so that numbers stay whole, hence exact, until the division.
template <std::size_t n, std::size_t scale, bool align_corners> constexpr auto interpolation() {
  constexpr std::size_t out = scale * n, d = align_corners ? out - 1 : 2 * scale;
  const auto source = [] {
    if constexpr (align_corners) return whole<n - 1> * iota<out>;
    else return whole<2> * iota<out> - whole<scale - 1>;
  }();
  const auto inside = min(max(source, whole<0>), whole<d * (n - 1)>);
  const auto j = reshape<Shape<n, 1>>(iota<n>);
  return max(whole<0>, whole<1> - abs(inside - whole<d> * j) / whole<d>);
}

template <Size2d scale, bool align_corners, Expr X> constexpr auto interpolate(X x) {
  constexpr std::size_t h = extent_of<1>(X{}), w = extent_of<2>(X{});
  const auto wide = [&] {
    if constexpr (scale.width == 1) return x;
    else return matmul(x, interpolation<w, scale.width, align_corners>());
  }();
  if constexpr (scale.height == 1) return wide;
  else return matmul(transpose(interpolation<h, scale.height, align_corners>()), wide);
}

/// Every pixel as a block of equal ones.
template <Size2d scale, Expr X> constexpr auto repeat_pixels(X x) {
  constexpr std::size_t c = extent_of<0>(X{}), h = extent_of<1>(X{}), w = extent_of<2>(X{});
  constexpr std::size_t count = scale.height * scale.width;
  using S = Shape<c, h * scale.height, w * scale.width>;
  if constexpr (std::has_single_bit(count)) {  // exact, and the pooling kernels make whole vectors
    constexpr Array2<std::size_t> block{scale.height, scale.width};
    return avg_pool2d_transpose<Window2d{.kernel = block, .stride = block}, S>(whole<count> * x);
  } else {
    const auto pixels = reshape<Shape<c, h, 1, w, 1>>(x);
    return reshape<S>(broadcast_to<Shape<c, h, scale.height, w, scale.width>>(pixels));
  }
}

}  // namespace detail

/// [C, H, W] -> [C, scale H, scale W], as torch.nn.Upsample(scale_factor).
/// Options: Mode<Interpolation::nearest> (the default) or Mode<Interpolation::bilinear>, and with
/// that AlignCorners<true>.
template <Size2d scale, class... Options> struct Upsample {
  static constexpr Interpolation mode =
      option_or<option::Mode, Interpolation::nearest, Options...>();

  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Mode, option::AlignCorners>::template check<Options...>();
    constexpr bool aligned = option_or<option::AlignCorners, false, Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (std::min(scale.height, scale.width) == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else if constexpr (aligned && mode == Interpolation::nearest) {
      // Nearest pixels have no corners to align.
      return OptionMisfit<Mode<Interpolation::bilinear>, Mode<mode>>{};
    } else {
      return Verdict<S::rank == 3, AnyShapeOfRank<3>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr bool aligned = option_or<option::AlignCorners, false, Options...>();
    if constexpr (mode == Interpolation::nearest) return detail::repeat_pixels<scale>(x);
    else return detail::interpolate<scale, aligned>(x);
  }
};

}  // namespace etch
