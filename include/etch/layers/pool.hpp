// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "etch/expr/functions.hpp"
#include "etch/layers/options.hpp"

namespace etch {

namespace detail {
template <Size2d kernel, class... Options> struct Pool2d {
  static constexpr Window2d window = [] {
    constexpr Size2d same = kernel, zero(0);
    constexpr Size2d s = option_or<option::Stride, same, Options...>();
    constexpr Size2d p = option_or<option::Padding, zero, Options...>();
    return Window2d{.kernel = {kernel.height, kernel.width},
                    .stride = {s.height, s.width},
                    .padding = {p.height, p.width}};
  }();

  /// As in PyTorch the padding is at most half of the window.
  static constexpr auto options_fit() {
    constexpr auto known = Known<option::Stride, option::Padding>::template check<Options...>();
    if constexpr (!known.ok) {
      return known;
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
    } else if constexpr (S::rank != 3) {
      return Misfit<AnyShapeOfRank<3>, S>{};
    } else {
      constexpr std::size_t h = kernel.height - 2 * window.padding[0];
      constexpr std::size_t w = kernel.width - 2 * window.padding[1];
      return Verdict<(S::dims[1] >= h && S::dims[2] >= w), WindowFits<h, w>, S>{};
    }
  }
};
}  // namespace detail

/// The largest element of each window, [C, H, W] -> [C, H', W'], as torch.nn.MaxPool2d.
/// The stride defaults to the kernel size. Options: Stride, Padding.
template <Size2d kernel_size, class... Options>
struct MaxPool2d : detail::Pool2d<kernel_size, Options...> {
  template <Expr X> static constexpr auto formula(X x) {
    return max_pool2d<detail::Pool2d<kernel_size, Options...>::window>(x);
  }
};

/// The mean of each window, padding counted, as torch.nn.AvgPool2d. Options: Stride, Padding.
template <Size2d kernel_size, class... Options>
struct AvgPool2d : detail::Pool2d<kernel_size, Options...> {
  template <Expr X> static constexpr auto formula(X x) {
    return avg_pool2d<detail::Pool2d<kernel_size, Options...>::window>(x);
  }
};

}  // namespace etch
