// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "etch/layers/conv.hpp"

namespace etch {

namespace detail {

/// ConvTranspose1d is ConvTranspose2d with a kernel of height one.
template <std::size_t axes, std::size_t out, Size2d kernel, class... Options>
struct ConvTranspose {
  static constexpr Window2d window = convolution_window<axes, Options...>();
  static constexpr Array2<std::size_t> k{kernel.height, kernel.width};
  static constexpr Array2<std::size_t> output_padding = [] {
    constexpr Size2d zero(0);
    return per_axis<axes, option::OutputPadding, zero, Options...>();
  }();

  /// What a single element of the input becomes along an axis, padding not taken off yet.
  static constexpr std::size_t span(std::size_t axis) {
    return window.dilation[axis] * (k[axis] - 1) + output_padding[axis] + 1;
  }

  /// (n - 1) s - 2 p + d (k - 1) + output padding + 1.
  static constexpr std::size_t extent(std::size_t axis, std::size_t n) {
    return (n - 1) * window.stride[axis] + span(axis) - 2 * window.padding[axis];
  }

  /// The fewest elements of which something is left when the padding is taken off.
  static constexpr std::size_t fewest(std::size_t axis) {
    const std::size_t cut = 2 * window.padding[axis], s = window.stride[axis];
    return cut < span(axis) ? 1 : 1 + (cut + 1 - span(axis) + s - 1) / s;
  }

  /// Output padding beyond the next window, or the next tap, would be nothing but zeros.
  static constexpr std::size_t most_output_padding(std::size_t axis) {
    return std::max(window.stride[axis], window.dilation[axis]) - 1;
  }

  static constexpr auto options_fit() {
    using Keys = Known<option::Stride, option::Padding, option::OutputPadding, option::Dilation,
                       option::Groups, option::Bias>;
    constexpr auto common = convolution_options_fit<axes, out, kernel, Keys, Options...>();
    if constexpr (!common.ok) {
      return common;
    } else if constexpr (output_padding[0] > most_output_padding(0)) {
      return OptionMisfit<AtMost<most_output_padding(0)>, Number<output_padding[0]>>{};
    } else if constexpr (output_padding[1] > most_output_padding(1)) {
      return OptionMisfit<AtMost<most_output_padding(1)>, Number<output_padding[1]>>{};
    } else {
      return Fits{};
    }
  }

  template <class S> static constexpr auto fits() {
    if constexpr (!options_fit().ok) {
      return options_fit();
    } else if constexpr (S::rank != axes + 1) {
      return Misfit<AnyShapeOfRank<axes + 1>, S>{};
    } else if constexpr (S::dims[0] % window.groups != 0) {
      return Misfit<ChannelsDivisibleBy<window.groups>, S>{};
    } else if constexpr (axes == 2 && S::dims[1] < fewest(0)) {
      return Misfit<AxisOfAtLeast<1, fewest(0)>, S>{};
    } else {
      return Verdict<(S::dims[axes] >= fewest(1)), AxisOfAtLeast<axes, fewest(1)>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr Dims image = image_dims<ShapeOf<X>::dims>();
    constexpr std::size_t of_group = out / window.groups;
    using S = Shape<out, extent(0, image[1]), extent(1, image[2])>;
    const auto w = convolution_weight<axes, image[0], of_group, kernel>();
    const auto y = from_image<axes>(conv_transpose2d<window, S>(as_image(x), w));
    return add_bias<of_group * kernel.height * kernel.width, Options...>(y);
  }
};

}  // namespace detail

/// The adjoint of Conv1d: [C, L] -> [Out, (L - 1) s - 2 p + d (k - 1) + output padding + 1], as
/// torch.nn.ConvTranspose1d. weight: [C, Out / groups, k], bias: [Out].
/// Options: Stride, Padding, OutputPadding (smaller than stride or dilation), Dilation, Groups,
/// Bias<false>.
template <std::size_t out, std::size_t kernel_size, class... Options>
struct ConvTranspose1d : detail::ConvTranspose<1, out, Size2d(1, kernel_size), Options...> {};

/// The adjoint of Conv2d, [C, H, W] -> [Out, H', W'], as torch.nn.ConvTranspose2d (Zeiler et al.
/// 2010). weight: [C, Out / groups, kh, kw], bias: [Out]. Extents and options: ConvTranspose1d.
template <std::size_t out, Size2d kernel_size, class... Options>
struct ConvTranspose2d : detail::ConvTranspose<2, out, kernel_size, Options...> {};

}  // namespace etch
