// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/options.hpp"

namespace etch {

/// Cross-correlation of [C, H, W] with `out` kernels, as torch.nn.Conv2d.
/// weight: [Out, C / groups, kh, kw], bias: [Out].
/// Options: Stride, Padding, Dilation, Groups, Bias<false>.
template <std::size_t out, Size2d kernel_size, class... Options> struct Conv2d {
  static constexpr Window2d window = [] {
    constexpr Size2d one(1), zero(0);
    constexpr Size2d s = option_or<option::Stride, one, Options...>();
    constexpr Size2d p = option_or<option::Padding, zero, Options...>();
    constexpr Size2d d = option_or<option::Dilation, one, Options...>();
    return Window2d{.stride = {s.height, s.width},
                    .padding = {p.height, p.width},
                    .dilation = {d.height, d.width},
                    .groups = option_or<option::Groups, std::size_t{1}, Options...>()};
  }();

  /// Height and width that the kernel covers once dilated, less the padding on both sides.
  static constexpr Size2d reach() {
    const auto need = [](std::size_t k, std::size_t axis) {
      const std::size_t covered = window.dilation[axis] * (k - 1) + 1;
      const std::size_t padded = 2 * window.padding[axis];
      return covered > padded ? covered - padded : 1;
    };
    return {need(kernel_size.height, 0), need(kernel_size.width, 1)};
  }

  static constexpr auto options_fit() {
    constexpr std::size_t smallest =
        std::min({out, kernel_size.height, kernel_size.width, window.stride[0], window.stride[1],
                  window.dilation[0], window.dilation[1], window.groups});
    constexpr auto known = Known<option::Stride, option::Padding, option::Dilation, option::Groups,
                                 option::Bias>::template check<Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (smallest == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else if constexpr (out % window.groups == 0) return Fits{};
    else return OptionMisfit<ChannelsDivisibleBy<window.groups>, Channels<out>>{};
  }

  template <class S> static constexpr auto fits() {
    if constexpr (!options_fit().ok) {
      return options_fit();
    } else if constexpr (S::rank != 3) {
      return Misfit<AnyShapeOfRank<3>, S>{};
    } else if constexpr (S::dims[0] % window.groups != 0) {
      return Misfit<ChannelsDivisibleBy<window.groups>, S>{};
    } else {
      constexpr Size2d r = reach();
      return Verdict<(S::dims[1] >= r.height && S::dims[2] >= r.width),
                     WindowFits<r.height, r.width>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t in = extent_of<0>(X{}) / window.groups;
    constexpr std::size_t fan_in = in * kernel_size.height * kernel_size.width;
    constexpr auto w = parameter<"weight", Shape<out, in, kernel_size.height, kernel_size.width>,
                                 KaimingUniform>;
    constexpr auto b = parameter<"bias", Shape<out>, FanInUniform<fan_in>>;
    if constexpr (option_or<option::Bias, true, Options...>()) {
      return conv2d<window>(x, w) + reshape<Shape<out, 1, 1>>(b);
    } else {
      return conv2d<window>(x, w);
    }
  }
};

}  // namespace etch
