// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/affine.hpp"
#include "etch/layers/channels.hpp"
#include "etch/layers/image.hpp"
#include "etch/layers/options.hpp"

namespace etch {

namespace detail {

/// The window that Stride, Padding, Dilation and Groups describe.
template <std::size_t axes, class... Options> constexpr Window2d convolution_window() {
  constexpr Size2d one(1), zero(0);
  return {.stride = per_axis<axes, option::Stride, one, Options...>(),
          .padding = per_axis<axes, option::Padding, zero, Options...>(),
          .dilation = per_axis<axes, option::Dilation, one, Options...>(),
          .groups = option_or<option::Groups, std::size_t{1}, Options...>()};
}

/// What all convolutions ask of their options, which are to be among `Keys`.
template <std::size_t axes, std::size_t out, Size2d kernel, class Keys, class... Options>
constexpr auto convolution_options_fit() {
  constexpr auto known = Keys::template check<Options...>();
  constexpr auto numbers = one_number_each<Options...>();
  constexpr Window2d w = convolution_window<axes, Options...>();
  constexpr std::size_t smallest =
      std::min({out, kernel.height, kernel.width, w.stride[0], w.stride[1], w.dilation[0],
                w.dilation[1], w.groups});
  if constexpr (!known.ok) return known;
  else if constexpr (axes == 1 && !numbers.ok) return numbers;
  else if constexpr (smallest == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
  else if constexpr (out % w.groups == 0) return Fits{};
  else return OptionMisfit<ChannelsDivisibleBy<w.groups>, Channels<out>>{};
}

/// [first, second, kh, kw]; the parameter of a layer over one axis is [first, second, k].
template <std::size_t axes, std::size_t first, std::size_t second, Size2d kernel>
constexpr auto convolution_weight() {
  using Image = Shape<first, second, kernel.height, kernel.width>;
  using Named = std::conditional_t<axes == 1, Shape<first, second, kernel.width>, Image>;
  return reshape<Image>(parameter<"weight", Named, KaimingUniform>);
}

/// y: [Out, ...] and a number for each channel, unless there is Bias<false>.
template <std::size_t fan_in, class... Options, Expr Y> constexpr auto add_bias(Y y) {
  constexpr auto b = parameter<"bias", Shape<extent_of<0>(Y{})>, FanInUniform<fan_in>>;
  return plus_bias<Options...>(y, per_channel<ShapeOf<Y>>(b));
}

/// Conv1d is Conv2d with a kernel of height one.
template <std::size_t axes, std::size_t out, Size2d kernel, class... Options> struct Conv {
  static constexpr bool same = has_option<option::PaddingSame, Options...>;
  static constexpr bool causal = option_or<option::Causal, false, Options...>();
  static constexpr Array2<std::size_t> k{kernel.height, kernel.width};

  /// `padding` is the one in front.
  static constexpr Window2d window = [] {
    Window2d w = convolution_window<axes, Options...>();
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::size_t zeros = w.dilation[axis] * (k[axis] - 1);
      if (same) w.padding[axis] = zeros / 2;
      if (causal) w.padding[axis] = zeros;
    }
    return w;
  }();

  /// Windows along an axis of n elements; PaddingSame and Causal<> have one start at each of them.
  static constexpr std::size_t windows(std::size_t axis, std::size_t n) {
    const std::size_t stride = window.stride[axis];
    if (same || causal) return (n - 1) / stride + 1;
    return window_count(n, k[axis], stride, window.padding[axis], window.dilation[axis]);
  }

  /// Elements that a window covers at least.
  static constexpr std::size_t reach(std::size_t axis) {
    const std::size_t covered = window.dilation[axis] * (k[axis] - 1) + 1;
    const std::size_t padded = same || causal ? covered : 2 * window.padding[axis];
    return covered > padded ? covered - padded : 1;
  }

  template <class... More>
  using Keys = Known<option::Stride, option::Padding, option::Dilation, option::Groups,
                     option::Bias, option::PaddingSame, More...>;

  static constexpr auto options_fit() {
    using All = std::conditional_t<axes == 1, Keys<option::Causal>, Keys<>>;
    constexpr auto common = convolution_options_fit<axes, out, kernel, All, Options...>();
    constexpr Size2d one(1), stride = option_or<option::Stride, one, Options...>();
    constexpr int paddings = has_option<option::Padding, Options...> + same + causal;
    if constexpr (!common.ok) {
      return common;
    } else if constexpr (paddings > 1) {
      return OptionMisfit<OneOf<option::Padding, option::PaddingSame, option::Causal>,
                          Number<paddings>>{};
    } else if constexpr (same && (window.stride[0] != 1 || window.stride[1] != 1)) {
      return OptionMisfit<Stride<one>, Stride<stride>>{};
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
    } else {
      constexpr Dims image = image_dims<S::dims>();
      constexpr std::size_t h = reach(0), w = reach(1);
      return Verdict<(image[1] >= h && image[2] >= w), WindowFits<h, w>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr Dims image = image_dims<ShapeOf<X>::dims>();
    constexpr std::size_t in = image[0] / window.groups;
    using S = Shape<out, windows(0, image[1]), windows(1, image[2])>;
    const auto w = convolution_weight<axes, out, in, kernel>();
    const auto y = from_image<axes>(conv2d<window, S>(as_image(x), w));
    return add_bias<in * kernel.height * kernel.width, Options...>(y);
  }
};

}  // namespace detail

/// Cross-correlation of [C, L] with `out` kernels, as torch.nn.Conv1d.
/// weight: [Out, C / groups, k], bias: [Out].
/// Options: Stride, Padding, PaddingSame (with stride 1), Causal<>, Dilation, Groups, Bias<false>.
/// Causal<>: dilation * (k - 1) zeros in front and none behind (WaveNet: van den Oord et al. 2016).
template <std::size_t out, std::size_t kernel_size, class... Options>
struct Conv1d : detail::Conv<1, out, Size2d(1, kernel_size), Options...> {};

/// Cross-correlation of [C, H, W] with `out` kernels, as torch.nn.Conv2d.
/// weight: [Out, C / groups, kh, kw], bias: [Out].
/// Options: Stride, Padding, PaddingSame (with stride 1), Dilation, Groups, Bias<false>.
template <std::size_t out, Size2d kernel_size, class... Options>
struct Conv2d : detail::Conv<2, out, kernel_size, Options...> {};

}  // namespace etch
