// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

#include "etch/kernels/matmul_plan.hpp"
#include "etch/tape/heavy.hpp"

// How the convolutions lie in memory: sizes and offsets only, no vectors.

namespace etch {

/// conv2d and its input gradient are both sums over taps of shifted images, for one group:
///
///   out[m, y, x] = sum over (c, i, j) of weight[m, c, i, j]
///                  source[c, y stride - padding + i dilation, x stride - padding + j dilation]
///
/// with zeros outside of the source. A negative padding crops.
struct Correlation {
  std::size_t inputs = 1, outputs = 1;  ///< channels summed over, channels made
  Array2<std::size_t> in{1, 1}, out{1, 1};
  Array2<std::size_t> kernel{1, 1}, stride{1, 1}, dilation{1, 1};
  Array2<std::ptrdiff_t> padding{};
  /// weight[m, c, i, j] lies at first + m * output + c * input + i * tap[0] + j * tap[1]; where
  /// inputs come in pairs, c * input is c / 2 * pair + c % 2 * input.
  std::ptrdiff_t weight_first = 0;
  Array2<std::ptrdiff_t> weight_tap{};
  std::size_t weight_output = 0, weight_input = 0, weight_pair = 0;

  constexpr bool operator==(const Correlation&) const = default;
  constexpr std::size_t pixels() const { return out[0] * out[1]; }
  constexpr std::size_t taps() const { return kernel[0] * kernel[1]; }
};

namespace detail {

constexpr std::size_t window(const Conv2dSpec& s) { return s.kernel[0] * s.kernel[1]; }
constexpr std::size_t group_inputs(const Conv2dSpec& s) { return s.channels / s.groups; }
constexpr std::size_t group_outputs(const Conv2dSpec& s) { return s.outputs / s.groups; }

/// Floats in the weights of one group.
constexpr std::size_t group_weights(const Conv2dSpec& s) {
  return group_outputs(s) * group_inputs(s) * window(s);
}

constexpr Correlation forward_correlation(const Conv2dSpec& s) {
  Correlation c{.inputs = group_inputs(s),
                .outputs = group_outputs(s),
                .in = {s.height, s.width},
                .out = {s.out_height, s.out_width}};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    c.kernel[axis] = s.kernel[axis];
    c.stride[axis] = s.stride[axis];
    c.dilation[axis] = s.dilation[axis];
    c.padding[axis] = static_cast<std::ptrdiff_t>(s.padding[axis]);
  }
  const bool pairs = s.outputs_last && s.type != NumberType::f32;
  const std::size_t tap = !s.outputs_last ? 1 : pairs ? 2 * s.outputs : s.outputs;
  c.weight_tap[0] = static_cast<std::ptrdiff_t>(s.kernel[1] * tap);
  c.weight_tap[1] = static_cast<std::ptrdiff_t>(tap);
  c.weight_output = !s.outputs_last ? group_inputs(s) * window(s) : pairs ? 2 : 1;
  c.weight_input = pairs ? 1 : window(s) * tap;
  c.weight_pair = pairs ? window(s) * tap : 0;
  return c;
}

/// The taps k of one axis that reach the positions first, first + stride, ... of x: those with
/// (first + padding - k * dilation) divisible by the stride. They are k0, k0 + step, ...
struct TapsOfPhase {
  std::size_t k0 = 0, step = 1, count = 0;
};

constexpr TapsOfPhase taps_of_phase(const Conv2dSpec& s, std::size_t axis, std::size_t first) {
  TapsOfPhase taps;
  std::size_t last = 0;
  for (std::size_t k = 0; k < s.kernel[axis]; ++k) {
    const std::size_t reach = first + s.padding[axis] + s.stride[axis] * s.dilation[axis] * k;
    if ((reach - k * s.dilation[axis]) % s.stride[axis] != 0) continue;
    if (taps.count == 0) taps.k0 = k;
    if (taps.count == 1) taps.step = k - last;
    last = k;
    ++taps.count;
  }
  return taps;
}

/// The input gradient at the positions (first + i * stride) of each axis: there it is a correlation
/// of g with every stride-th tap, last tap first. `kernel` is zero where no tap reaches.
constexpr Correlation gradient_correlation(const Conv2dSpec& s, std::size_t first_row,
                                           std::size_t first_column) {
  Correlation c{.inputs = group_outputs(s),
                .outputs = group_inputs(s),
                .in = {s.out_height, s.out_width}};
  const std::size_t first[2] = {first_row, first_column};
  const std::size_t extent[2] = {s.height, s.width};
  const std::ptrdiff_t pitch[2] = {static_cast<std::ptrdiff_t>(s.kernel[1]), 1};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const TapsOfPhase taps = taps_of_phase(s, axis, first[axis]);
    const auto stride = static_cast<std::ptrdiff_t>(s.stride[axis]);
    const auto k0 = static_cast<std::ptrdiff_t>(taps.k0);
    const auto step = static_cast<std::ptrdiff_t>(taps.step);
    const auto span = static_cast<std::ptrdiff_t>(taps.count == 0 ? 0 : taps.count - 1);
    const auto d = static_cast<std::ptrdiff_t>(s.dilation[axis]);
    const auto reach = static_cast<std::ptrdiff_t>(first[axis] + s.padding[axis]) - k0 * d;
    c.out[axis] = (extent[axis] - first[axis] + s.stride[axis] - 1) / s.stride[axis];
    c.kernel[axis] = taps.count;
    c.dilation[axis] = taps.count < 2 ? 1 : static_cast<std::size_t>(step * d / stride);
    c.padding[axis] = span * static_cast<std::ptrdiff_t>(c.dilation[axis]) - reach / stride;
    c.weight_tap[axis] = -step * pitch[axis];
    c.weight_first += (k0 + step * span) * pitch[axis];
  }
  c.weight_output = window(s);
  c.weight_input = group_inputs(s) * window(s);
  return c;
}

/// The packed source of a correlation: for every channel, tap column and row phase the rows of
/// shifted (and strided) pixels, each exactly as wide as the output. Whatever the padding, stride
/// and dilation, the pixels of one tap are then one contiguous run over the whole output image.
struct PackedSource {
  std::size_t phases, rows;  ///< rows of the same phase are `phases` apart in the source

  constexpr explicit PackedSource(const Correlation& c)
      : phases(c.kernel[0] < 2 ? 1 : c.stride[0]),
        rows(c.kernel[0] < 2 ? c.out[0]
                             : c.out[0] + (c.kernel[0] - 1) * c.dilation[0] / phases) {}

  constexpr std::size_t plane(const Correlation& c) const { return rows * c.out[1]; }
  constexpr std::size_t channel(const Correlation& c) const {
    return c.kernel[1] * phases * plane(c);
  }
  constexpr std::size_t tap(const Correlation& c, std::size_t ky, std::size_t kx) const {
    const std::size_t row = ky * c.dilation[0];
    return (kx * phases + row % phases) * plane(c) + row / phases * c.out[1];
  }
};

/// The output columns [first, last) whose tap `kx` lies inside the source, and the source column of
/// `first`.
struct TapColumns {
  std::size_t first, last, source;
};

constexpr TapColumns tap_columns(const Correlation& c, std::size_t kx) {
  const auto stride = static_cast<std::ptrdiff_t>(c.stride[1]);
  const auto out = static_cast<std::ptrdiff_t>(c.out[1]), in = static_cast<std::ptrdiff_t>(c.in[1]);
  const std::ptrdiff_t start = static_cast<std::ptrdiff_t>(kx * c.dilation[1]) - c.padding[1];
  const std::ptrdiff_t first = start < 0 ? (-start + stride - 1) / stride : 0;
  const std::ptrdiff_t last = start < in ? std::min(out, (in - 1 - start) / stride + 1) : 0;
  if (first >= last) return {c.out[1], c.out[1], 0};
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(last),
          static_cast<std::size_t>(start + first * stride)};
}

/// The source with its zeros around it, cut to what the windows reach, as a correlation that
/// copies.
constexpr Correlation padded_source(const Correlation& c) {
  Correlation copy{.inputs = c.inputs, .outputs = c.inputs, .in = {c.in[0], c.in[1]}};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    copy.out[axis] =
        (c.out[axis] - 1) * c.stride[axis] + (c.kernel[axis] - 1) * c.dilation[axis] + 1;
    copy.padding[axis] = c.padding[axis];
  }
  return copy;
}

/// Every tap of every window lies inside the source.
constexpr bool reads_inside(const Correlation& c) {
  if (c.taps() == 0 || c.padding[0] != 0 || c.padding[1] != 0) return false;
  const Correlation reached = padded_source(c);
  return reached.out[0] <= c.in[0] && reached.out[1] <= c.in[1];
}

/// ... and the pixels of each tap are one contiguous run.
constexpr bool reads_flat(const Correlation& c) {
  return reads_inside(c) && c.stride[0] == 1 && c.stride[1] == 1 && c.out[1] == c.in[1];
}

/// Vectors may read this far past the last pixel, whatever the target.
inline constexpr std::size_t vector_slack = 16;

constexpr std::size_t correlation_scratch(const Correlation& c) {
  if (c.taps() == 0 || reads_flat(c)) return 0;
  const std::size_t packed = c.inputs * PackedSource(c).channel(c);
  const std::size_t padded = c.inputs * padded_source(c).pixels();
  return (c.stride[1] == 1 ? std::max(packed, padded) : packed) + vector_slack;
}

/// Outputs of a group whose transformed weights are held together.
constexpr std::size_t winograd_outputs(const Conv2dSpec& s) {
  std::size_t part = std::min<std::size_t>(group_outputs(s), 64);
  while (group_outputs(s) % part != 0) --part;
  return part;
}

/// One of the four correlations that Winograd's way makes of a kernel of three rows: one row of it
/// with every second row of x, combined with its neighbours.
constexpr Correlation winograd_correlation(const Conv2dSpec& s) {
  Correlation c = forward_correlation(s);
  c.outputs = winograd_outputs(s);
  c.out[0] = c.in[0] = (s.out_height + 1) / 2;
  c.kernel[0] = c.dilation[0] = 1;
  c.padding[0] = 0;
  return c;
}

/// Where the parts of its scratch begin.
struct WinogradScratch {
  std::size_t plane;  ///< one of the four sources, from 0 on
  std::size_t weights, sums, rows, end;
  std::size_t pitch;  ///< of rows

  constexpr explicit WinogradScratch(const Conv2dSpec& s) {
    const Correlation c = winograd_correlation(s);
    const auto aligned = [](std::size_t n) { return (n + 15) / 16 * 16; };
    plane = aligned(std::max(correlation_scratch(c), c.inputs * c.in[0] * c.in[1] + vector_slack));
    pitch = aligned(s.width);
    weights = 4 * plane;
    sums = weights + aligned(c.outputs * c.inputs * window(s) + vector_slack);
    rows = sums + aligned(2 * c.outputs * c.pixels());
    end = rows + 5 * pitch;
  }
};

/// Whether that pays: it saves up to a third of the products, for work on each pixel of y, of x,
/// and on each weight. In sixteenths of a vector operation, of 16 lanes whatever the target: the
/// way is a function of the shape of one sample, and so are the bits.
constexpr bool by_winograd(const Conv2dSpec& s) {
  if (s.type != NumberType::f32) return false;  // it wants sums of weights, and room for them
  if (s.outputs_last) return false;             // which are those of sequences
  if (s.kernel[0] != 3 || s.stride[0] != 1 || s.stride[1] != 1 || s.dilation[0] != 1) return false;
  if (winograd_outputs(s) < 8) return false;
  const std::size_t inputs = group_inputs(s), outputs = group_outputs(s);
  const std::size_t pixels = s.out_height * s.out_width;
  const auto products = [&](std::size_t rows, std::size_t windows) {
    return (windows + 15) / 16 * 16 * rows * s.kernel[1] * inputs * outputs;
  };
  const std::size_t around = pixels * (12 * outputs + 10 * inputs) + 112 * inputs * outputs;
  return products(3, pixels) > products(4, winograd_correlation(s).pixels()) + around;
}

constexpr bool strided(const Conv2dSpec& s) { return s.stride[0] != 1 || s.stride[1] != 1; }

/// Whether the input gradient takes the products of all weights with all pixels of g rather than a
/// correlation, which multiplies with the zeros around g, too; gathering costs about as much as two
/// outputs. Products of small numbers are another kernel, for matrices in pairs.
constexpr bool gradient_by_products(const Conv2dSpec& s) {
  if (s.type != NumberType::f32) return false;
  const std::size_t outputs = group_outputs(s);
  const std::size_t pixels = s.height * s.width, products = s.out_height * s.out_width;
  return !strided(s) && pixels * outputs > products * outputs * 5 / 4 + 2 * pixels;
}

/// Gathering reads whole vectors around what it needs.
constexpr std::size_t products_floats(const Gemm& products) {
  return vector_slack + (products.m * products.n + 15) / 16 * 16 + vector_slack;
}

/// Channels that are gathered together, so that enough sums are under way.
constexpr std::size_t gathered_channels(const Conv2dSpec& s) {
  const std::size_t parts = (group_inputs(s) + 7) / 8;
  return (group_inputs(s) + parts - 1) / parts;
}

/// weight[k, channel and tap] g[k, pixel], summed over the outputs k.
constexpr Gemm products_of_channels(const Conv2dSpec& s, std::size_t channels) {
  const std::size_t pixels = s.out_height * s.out_width;
  Gemm gemm;
  gemm.m = channels * window(s);
  gemm.n = pixels;
  gemm.k = group_outputs(s);
  gemm.a_row = 1;
  gemm.a_k = group_inputs(s) * window(s);
  gemm.b_k = pixels;
  gemm.b_col = 1;
  return gemm;
}

/// The image of one channel from which the weight gradient reads x: x itself if that has all taps.
constexpr Dims gradient_image(const Conv2dSpec& s) {
  const Correlation c = forward_correlation(s), image = padded_source(c);
  return reads_inside(c) ? Dims{2, {s.height, s.width}} : Dims{2, {image.out[0], image.out[1]}};
}

/// Outputs of a group in a row of the transposed weight gradient, and lanes to do them with.
constexpr std::size_t gradient_lanes(const Conv2dSpec& s) {
  return std::min<std::size_t>(16, std::bit_ceil(group_outputs(s)));
}
constexpr std::size_t gradient_pitch(const Conv2dSpec& s) {
  const std::size_t step = gradient_lanes(s);
  return (group_outputs(s) + step - 1) / step * step;
}

/// Too few outputs to fill a vector: then every weight is a dot product over the pixels.
constexpr bool gradient_by_dots(const Conv2dSpec& s) { return group_outputs(s) < 4; }

}  // namespace detail

/// Floats of scratch that conv2d needs.
constexpr std::size_t conv2d_scratch(const Conv2dSpec& s) {
  const std::size_t direct = detail::correlation_scratch(detail::forward_correlation(s));
  return detail::by_winograd(s) ? detail::WinogradScratch(s).end : direct;
}

/// Floats of scratch that conv2d_input_gradient needs.
constexpr std::size_t conv2d_input_gradient_scratch(const Conv2dSpec& s) {
  if (detail::gradient_by_products(s)) {
    const Gemm products = detail::products_of_channels(s, detail::gathered_channels(s));
    return detail::products_floats(products) + detail::matmul_scratch(products);
  }
  std::size_t most = 0;
  for (std::size_t y = 0; y < std::min(s.stride[0], s.height); ++y) {
    for (std::size_t x = 0; x < std::min(s.stride[1], s.width); ++x) {
      most = std::max(most, detail::correlation_scratch(detail::gradient_correlation(s, y, x)));
    }
  }
  const std::size_t image = detail::group_inputs(s) * s.height * s.width;
  return most + (detail::strided(s) ? image : 0);
}

/// Floats of scratch that conv2d_weight_gradient needs.
constexpr std::size_t conv2d_weight_gradient_scratch(const Conv2dSpec& s) {
  if (detail::gradient_by_dots(s)) {
    return detail::correlation_scratch(detail::forward_correlation(s));
  }
  const std::size_t pixels = s.out_height * s.out_width;
  const std::size_t taps = detail::group_inputs(s) * detail::window(s);
  const std::size_t image = detail::reads_inside(detail::forward_correlation(s))
                                ? 0
                                : detail::group_inputs(s) * detail::gradient_image(s).size();
  return (pixels + taps) * detail::gradient_pitch(s) + image;
}

}  // namespace etch
