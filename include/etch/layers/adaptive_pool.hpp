// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/layers/image.hpp"
#include "etch/layers/options.hpp"

namespace etch {

namespace detail {

/// [n, out]: 1 / count where position j of the input is one of the `count` that mean i is taken of,
/// floor(i n / out) <= j < ceil((i + 1) n / out). Written without fractions, which would round.
template <std::size_t n, std::size_t out> constexpr auto averaging() {
  const auto i = iota<out>;
  const auto j = reshape<Shape<n, 1>>(iota<n>);
  const auto from_start = whole<n> * i < whole<out> * (j + whole<1>);
  const auto before_end = whole<out> * j < whole<n> * (i + whole<1>);
  const auto member = from_start * before_end;
  return member / sum<0>(member, keepdim);
}

/// Means along the last axis, and along the one before it.
template <std::size_t out, Expr X> constexpr auto average_columns(X x) {
  constexpr std::size_t n = extent_of<-1>(X{});
  if constexpr (n == out) return x;
  else return matmul(x, averaging<n, out>());
}
template <std::size_t out, Expr X> constexpr auto average_rows(X x) {
  constexpr std::size_t n = extent_of<-2>(X{});
  if constexpr (n == out) return x;
  else return matmul(transpose(averaging<n, out>()), x);
}

template <std::size_t axes, Size2d out> struct AdaptiveAvgPool {
  template <class S> static constexpr auto fits() {
    if constexpr (std::min(out.height, out.width) == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else {
      return Verdict<S::rank == axes + 1, AnyShapeOfRank<axes + 1>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr Dims image = image_dims<ShapeOf<X>::dims>();
    if constexpr (image[1] % out.height == 0 && image[2] % out.width == 0) {
      constexpr Array2<std::size_t> size{image[1] / out.height, image[2] / out.width};
      return from_image<axes>(avg_pool2d<Window2d{.kernel = size, .stride = size}>(as_image(x)));
    } else if constexpr (axes == 1) {
      return average_columns<out.width>(x);
    } else {
      return average_rows<out.height>(average_columns<out.width>(x));
    }
  }
};

}  // namespace detail

/// The mean of each channel: [C], of [C, ...].
struct GlobalAvgPool {
  template <class S> static constexpr auto fits() {
    return Verdict<S::rank != 0, RankOfAtLeast<1>, S>{};
  }
  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t channels = extent_of<0>(X{});
    return mean<-1>(reshape<Shape<channels, ShapeOf<X>::size / channels>>(x));
  }
};

/// [C, L] -> [C, out], as torch.nn.AdaptiveAvgPool1d: mean i is that of the elements from
/// floor(i L / out) up to, but not with, ceil((i + 1) L / out).
template <std::size_t out> struct AdaptiveAvgPool1d : detail::AdaptiveAvgPool<1, Size2d(1, out)> {};

/// [C, H, W] -> [C, out.height, out.width], as torch.nn.AdaptiveAvgPool2d.
template <Size2d out> struct AdaptiveAvgPool2d : detail::AdaptiveAvgPool<2, out> {};

}  // namespace etch
