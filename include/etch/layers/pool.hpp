// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/layers/image.hpp"
#include "etch/layers/options.hpp"

namespace etch {

namespace detail {

/// What all poolings ask for, whose options are to be among `Keys`.
template <std::size_t axes, Size2d kernel, class Keys, class... Options> struct Pool {
  static constexpr Window2d window = [] {
    constexpr Size2d zero(0);
    return Window2d{.kernel = {kernel.height, kernel.width},
                    .stride = per_axis<axes, option::Stride, kernel, Options...>(),
                    .padding = per_axis<axes, option::Padding, zero, Options...>()};
  }();

  /// As in PyTorch the padding is at most half of the window.
  static constexpr auto options_fit() {
    constexpr auto known = Keys::template check<Options...>();
    constexpr auto numbers = one_number_each<Options...>();
    if constexpr (!known.ok) {
      return known;
    } else if constexpr (axes == 1 && !numbers.ok) {
      return numbers;
    } else if constexpr (std::min({kernel.height, kernel.width, window.stride[0],
                                   window.stride[1]}) == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else if constexpr (2 * window.padding[0] > kernel.height) {
      return OptionMisfit<AtMost<kernel.height / 2>, Number<window.padding[0]>>{};
    } else if constexpr (2 * window.padding[1] > kernel.width) {
      return OptionMisfit<AtMost<kernel.width / 2>, Number<window.padding[1]>>{};
    } else {
      return Fits{};
    }
  }

  template <class S> static constexpr auto fits() {
    if constexpr (!options_fit().ok) {
      return options_fit();
    } else if constexpr (S::rank != axes + 1) {
      return Misfit<AnyShapeOfRank<axes + 1>, S>{};
    } else {
      constexpr Dims image = image_dims<S::dims>();
      constexpr std::size_t h = kernel.height - 2 * window.padding[0];
      constexpr std::size_t w = kernel.width - 2 * window.padding[1];
      return Verdict<(image[1] >= h && image[2] >= w), WindowFits<h, w>, S>{};
    }
  }
};

template <std::size_t axes, Size2d kernel, class... Options>
struct MaxPool : Pool<axes, kernel, Known<option::Stride, option::Padding>, Options...> {
  template <Expr X> static constexpr auto formula(X x) {
    return from_image<axes>(max_pool2d<MaxPool::window>(as_image(x)));
  }
};

/// How many elements of each window along an axis of n are none of the padding: [windows].
template <Window2d w, std::size_t axis, std::size_t n, std::size_t windows>
constexpr auto elements_inside() {
  constexpr std::size_t front = w.padding[axis], end = w.padding[axis] + n;
  const auto start = whole<w.stride[axis]> * iota<windows>;  // counted with the padding
  return min(start + whole<w.kernel[axis]>, whole<end>) - max(start, whole<front>);
}

template <std::size_t axes, Size2d kernel, class... Options>
struct AvgPool
    : Pool<axes, kernel, Known<option::Stride, option::Padding, option::CountIncludePad>,
           Options...> {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr Window2d w = AvgPool::window;
    constexpr bool padded = w.padding[0] + w.padding[1] != 0;
    const auto y = avg_pool2d<w>(as_image(x));
    if constexpr (padded && !option_or<option::CountIncludePad, true, Options...>()) {
      constexpr Dims in = image_dims<ShapeOf<X>::dims>(), out = ShapeOf<decltype(y)>::dims;
      const auto height = elements_inside<w, 0, in[1], out[1]>();
      const auto width = elements_inside<w, 1, in[2], out[2]>();
      const auto inside = reshape<Shape<out[1], 1>>(height) * width;
      return from_image<axes>(y * (whole<kernel.height * kernel.width> / inside));
    } else {
      return from_image<axes>(y);
    }
  }
};

}  // namespace detail

/// The largest element of each window, [C, L] -> [C, L'], as torch.nn.MaxPool1d.
/// The stride defaults to the kernel size. Options: Stride, Padding.
template <std::size_t kernel_size, class... Options>
struct MaxPool1d : detail::MaxPool<1, Size2d(1, kernel_size), Options...> {};

/// The largest element of each window, [C, H, W] -> [C, H', W'], as torch.nn.MaxPool2d.
/// The stride defaults to the kernel size. Options: Stride, Padding.
template <Size2d kernel_size, class... Options>
struct MaxPool2d : detail::MaxPool<2, kernel_size, Options...> {};

/// The mean of each window, [C, L] -> [C, L'], as torch.nn.AvgPool1d.
/// Options: Stride, Padding, CountIncludePad<false>: padding is not counted; it is by default.
template <std::size_t kernel_size, class... Options>
struct AvgPool1d : detail::AvgPool<1, Size2d(1, kernel_size), Options...> {};

/// The mean of each window, [C, H, W] -> [C, H', W'], as torch.nn.AvgPool2d.
/// Options: Stride, Padding, CountIncludePad<false>: padding is not counted; it is by default.
template <Size2d kernel_size, class... Options>
struct AvgPool2d : detail::AvgPool<2, kernel_size, Options...> {};

}  // namespace etch
