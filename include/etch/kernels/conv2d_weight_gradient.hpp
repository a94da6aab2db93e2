// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_CONV2D_WEIGHT_GRADIENT_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_CONV2D_WEIGHT_GRADIENT_HPP
#undef ETCH_KERNELS_CONV2D_WEIGHT_GRADIENT_HPP
#else
#define ETCH_KERNELS_CONV2D_WEIGHT_GRADIENT_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/conv2d_layout.hpp"
#include "etch/kernels/correlation.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/kernels/transpose.hpp"

// The outputs lie in the lanes, x is broadcast, and the sum runs over pixels (and samples) in
// order; where a group has too few outputs for that, each weight is a dot product over pixels.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// Taps and output vectors that are summed in registers together.
struct GradientTile {
  std::size_t channels = 1, taps = 1, vectors = 1;
};

/// `taps` of `channels` neighbouring channels: either a part of one window or some whole windows.
template <Conv2dSpec s> constexpr GradientTile gradient_tile() {
  using D = hn::CappedTag<float, gradient_lanes(s)>;
  const std::size_t vectors = std::min<std::size_t>(2, gradient_pitch(s) / hn::MaxLanes(D{}));
  const std::size_t most = (usable_registers - 2 - vectors) / vectors;
  if (window(s) <= most) {
    const std::size_t channels = std::min(most / window(s), group_inputs(s));
    return {channels, window(s), vectors};
  }
  const std::size_t parts = (window(s) + most - 1) / most;
  return {1, (window(s) + parts - 1) / parts, vectors};
}

/// Adds one sample's products to `taps` taps from `first` (of the window, then of the next
/// channels) by `vectors` vectors of outputs. g: [pixels][pitch], sums: [taps][pitch].
template <Conv2dSpec s, std::size_t first, std::size_t taps, std::size_t vectors>
HWY_INLINE void add_products(const float* x, const float* g, float* HWY_RESTRICT sums) {
  constexpr std::size_t row = gradient_image(s).extent[1], pitch = gradient_pitch(s);
  using D = hn::CappedTag<float, gradient_lanes(s)>;
  constexpr std::size_t width = hn::MaxLanes(D{});
  const D d;
  hn::Vec<D> sum[taps * vectors];
  unrolled<taps * vectors>([&](auto i) HWY_ATTR {
    sum[i] = hn::LoadU(d, sums + i / vectors * pitch + i % vectors * width);
  });
  for (std::size_t oy = 0; oy < s.out_height; ++oy) {
    const float* p = x + oy * s.stride[0] * row;
    for (std::size_t ox = 0; ox < s.out_width; ++ox, p += s.stride[1], g += pitch) {
      p = read_anew(p);
      hn::Vec<D> gradient[vectors];
      unrolled<vectors>([&](auto j) HWY_ATTR {
        gradient[j] = in_register(hn::LoadU(d, g + j * width));
      });
      unrolled<taps * vectors>([&](auto i) HWY_ATTR {
        constexpr std::size_t tap = first + i / vectors, in_window = tap % window(s);
        constexpr std::size_t at = tap / window(s) * gradient_image(s).size() +
                                   in_window / s.kernel[1] * s.dilation[0] * row +
                                   in_window % s.kernel[1] * s.dilation[1];
        sum[i] = hn::MulAdd(hn::Set(d, p[at]), gradient[i % vectors], sum[i]);
      });
    }
  }
  unrolled<taps * vectors>([&](auto i) HWY_ATTR {
    hn::StoreU(sum[i], d, sums + i / vectors * pitch + i % vectors * width);
  });
}

/// ... for all outputs.
template <Conv2dSpec s, std::size_t first, std::size_t taps>
HWY_INLINE void add_products_of_taps(const float* x, const float* g, float* HWY_RESTRICT sums) {
  constexpr std::size_t width = hn::MaxLanes(hn::CappedTag<float, gradient_lanes(s)>{});
  constexpr std::size_t vectors = gradient_tile<s>().vectors, all = gradient_pitch(s) / width;
  std::size_t v = 0;
  for (; v + vectors <= all; v += vectors) {
    add_products<s, first, taps, vectors>(x, g + v * width, sums + v * width);
  }
  if constexpr (all % vectors != 0) {
    add_products<s, first, taps, all % vectors>(x, g + v * width, sums + v * width);
  }
}

/// ... and for the windows of `channels` neighbouring channels.
template <Conv2dSpec s, std::size_t channels>
HWY_INLINE void add_products_of_channels(const float* x, const float* g,
                                         float* HWY_RESTRICT sums) {
  constexpr std::size_t all = channels * window(s), step = channels * gradient_tile<s>().taps;
  unrolled<(all + step - 1) / step>([&](auto i) HWY_ATTR {
    constexpr std::size_t first = i * step;
    add_products_of_taps<s, first, std::min(step, all - first)>(x, g,
                                                                sums + first * gradient_pitch(s));
  });
}

/// Adds one sample's products for one group to sums: [channels * window][pitch].
template <Conv2dSpec s>
HWY_INLINE void add_sample(const float* x, const float* g, float* HWY_RESTRICT scratch,
                           float* HWY_RESTRICT sums) {
  constexpr Correlation c = forward_correlation(s);
  constexpr std::size_t plane = gradient_image(s).size();
  constexpr std::size_t pixels = s.out_height * s.out_width, pitch = gradient_pitch(s);
  constexpr std::size_t channels = gradient_tile<s>().channels;
  transpose<group_outputs(s), pixels, pixels, pitch>(g, scratch);
  if constexpr (!reads_inside(c)) {
    pack_source<padded_source(c)>(x, scratch + pixels * pitch);
    x = scratch + pixels * pitch;
  }
  std::size_t channel = 0;
  for (; channel + channels <= group_inputs(s); channel += channels) {
    add_products_of_channels<s, channels>(x + channel * plane, scratch,
                                          sums + channel * window(s) * pitch);
  }
  if constexpr (group_inputs(s) % channels != 0) {
    add_products_of_channels<s, group_inputs(s) % channels>(
        x + channel * plane, scratch, sums + channel * window(s) * pitch);
  }
}

/// The sum of one group over `samples` samples -> y: [outputs / groups, channels / groups, kernel].
template <Conv2dSpec s, std::size_t samples>
HWY_INLINE void weight_gradient_group(const float* g, const float* x, float* HWY_RESTRICT y,
                                      float* HWY_RESTRICT scratch) {
  constexpr std::size_t taps = group_inputs(s) * window(s), pitch = gradient_pitch(s);
  float* sums = scratch;
  std::fill_n(sums, taps * pitch, 0.0f);
  for (std::size_t sample = 0; sample < samples; ++sample) {
    add_sample<s>(x + sample * s.x_batch, g + sample * s.y_batch, scratch + taps * pitch, sums);
  }
  transpose<taps, group_outputs(s), pitch, taps>(sums, y);
}

/// Dot products of one output's g with `taps` packed tap rows; added to y.
template <Correlation c, std::size_t first, std::size_t taps>
HWY_INLINE void add_dots(const float* g, const float* packed, float* HWY_RESTRICT y) {
  const FloatTag d;
  constexpr std::size_t whole = c.pixels() / logical_lanes * logical_lanes;
  constexpr std::size_t rest = c.pixels() - whole;
  hn::Vec<FloatTag> sum[taps][lane_groups];
  unrolled<taps * lane_groups>([&](auto i) HWY_ATTR {
    sum[i / lane_groups][i % lane_groups] = hn::Zero(d);
  });
  const auto add = [&](auto i, std::size_t pixel, auto count) HWY_ATTR {
    constexpr std::size_t tap = i / lane_groups, part = i % lane_groups;
    constexpr std::size_t at = PackedSource(c).tap(c, (first + tap) / c.kernel[1],
                                                   (first + tap) % c.kernel[1]);
    const std::size_t from = pixel + part * lanes;
    sum[tap][part] = hn::MulAdd(load_lanes<count>(d, g + from),
                                load_lanes<count>(d, packed + at + from), sum[tap][part]);
  };
  for (std::size_t pixel = 0; pixel < whole; pixel += logical_lanes) {
    unrolled<taps * lane_groups>([&](auto i) HWY_ATTR {
      add(i, pixel, std::integral_constant<std::size_t, lanes>{});
    });
  }
  if constexpr (rest != 0) {
    unrolled<taps * lane_groups>([&](auto i) HWY_ATTR {
      constexpr std::size_t start = i % lane_groups * lanes;
      if constexpr (start < rest) {
        add(i, whole, std::integral_constant<std::size_t, std::min(lanes, rest - start)>{});
      }
    });
  }
  unrolled<taps>([&](auto tap) HWY_ATTR { y[tap] += sum_lanes16(d, sum[tap]); });
}

/// weight_gradient_group for few outputs.
template <Conv2dSpec s, std::size_t samples>
HWY_INLINE void weight_gradient_dots(const float* g, const float* x, float* HWY_RESTRICT y,
                                     float* HWY_RESTRICT scratch) {
  constexpr Correlation c = forward_correlation(s);
  constexpr std::size_t taps = c.inputs * c.taps();
  constexpr std::size_t step = std::min(c.taps(), std::max<std::size_t>(1, 12 / lane_groups));
  std::fill_n(y, c.outputs * taps, 0.0f);
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const float* packed = x + sample * s.x_batch;
    if constexpr (!reads_flat(c)) {
      pack_source<c>(packed, scratch);
      packed = scratch;
    }
    for (std::size_t i = 0; i < c.outputs * c.inputs; ++i) {
      const float* output = g + sample * s.y_batch + i / c.inputs * c.pixels();
      const float* channel = packed + i % c.inputs * PackedSource(c).channel(c);
      unrolled<(c.taps() + step - 1) / step>([&](auto part) HWY_ATTR {
        constexpr std::size_t first = part * step;
        add_dots<c, first, std::min(step, c.taps() - first)>(output, channel,
                                                             y + i * c.taps() + first);
      });
    }
  }
}

}  // namespace detail

/// g: [batch][outputs, out_height, out_width], x: [batch][channels, height, width] -> y: the
/// gradient of conv2d by its weight, [outputs, channels / groups, kernel] for each sample, or once,
/// summed over the samples in order, if spec.over_batch.
/// `scratch`: conv2d_weight_gradient_scratch(spec) floats. y overlaps nothing.
template <auto spec>
void conv2d_weight_gradient(const float* g, const float* x, float* HWY_RESTRICT y,
                            float* HWY_RESTRICT scratch) noexcept {
  constexpr std::size_t samples = spec.over_batch ? spec.batch : 1;
  constexpr std::size_t out_plane = spec.out_height * spec.out_width;
  for (std::size_t sample = 0; sample < spec.batch; sample += samples) {
    for (std::size_t group = 0; group < spec.groups; ++group) {
      const float* output =
          g + sample * spec.y_batch + group * detail::group_outputs(spec) * out_plane;
      const float* input = x + sample * spec.x_batch +
                           group * detail::group_inputs(spec) * spec.height * spec.width;
      if constexpr (detail::gradient_by_dots(spec)) {
        detail::weight_gradient_dots<spec, samples>(output, input, y, scratch);
      } else {
        detail::weight_gradient_group<spec, samples>(output, input, y, scratch);
      }
      y += detail::group_weights(spec);
    }
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
