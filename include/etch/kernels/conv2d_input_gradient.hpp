// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_CONV2D_INPUT_GRADIENT_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_CONV2D_INPUT_GRADIENT_HPP
#undef ETCH_KERNELS_CONV2D_INPUT_GRADIENT_HPP
#else
#define ETCH_KERNELS_CONV2D_INPUT_GRADIENT_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/conv2d_layout.hpp"
#include "etch/kernels/correlation.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/kernels/matmul.hpp"

// Two ways. As a correlation of g, once for every place of a pixel within the stride: that is the
// forward pass again, but where x is much larger than g, most taps of it meet the zeros around g.
// Then, for stride 1, the products of every weight with every pixel of g come first, as one matrix
// product for a few channels, and each pixel of dx gathers those that belong to it.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

// ---- by products --------------------------------------------------------------------------------

/// Lanes first .. last - 1 from p, zero in the others. Reads all lanes.
template <std::size_t first, std::size_t last, class D>
HWY_INLINE hn::Vec<D> load_between(D d, const float* p) {
  const hn::Vec<D> v = hn::LoadU(d, p);
  if constexpr (first == 0 && last == hn::MaxLanes(D{})) return v;
  const auto below = hn::FirstN(d, last);
  if constexpr (first == 0) return hn::IfThenElseZero(below, v);
  else return hn::IfThenZeroElse(hn::FirstN(d, first), hn::IfThenElseZero(below, v));
}

/// products: [channels, kernel, out_height, out_width] of `channels` channels -> row y of each,
/// from column `column` on.
template <Conv2dSpec s, std::size_t channels, std::size_t column, class Finish>
HWY_INLINE void gather_pixels(const float* products, std::size_t channel, std::size_t y,
                              const Finish& finish) {
  constexpr std::size_t pixels = s.out_height * s.out_width;
  const FloatTag d;
  hn::Vec<FloatTag> sum[channels];
  set_zero(d, sum, std::make_index_sequence<channels>{});
  for (std::size_t ky = 0; ky < s.kernel[0]; ++ky) {
    const std::size_t row = y + s.padding[0] - ky * s.dilation[0];  // wraps round below zero
    if (row >= s.out_height) continue;
    const float* from = products + ky * s.kernel[1] * pixels + row * s.out_width;
    unrolled<s.kernel[1]>([&](auto kx) HWY_ATTR {
      constexpr auto shift = static_cast<std::ptrdiff_t>(column + s.padding[1]) -
                             static_cast<std::ptrdiff_t>(kx * s.dilation[1]);
      constexpr auto left = static_cast<std::ptrdiff_t>(s.out_width) - shift;
      constexpr auto all = static_cast<std::ptrdiff_t>(lanes);
      constexpr std::ptrdiff_t first = std::max<std::ptrdiff_t>(0, -shift);
      constexpr std::ptrdiff_t last = std::min(all, left);
      if constexpr (first < last) {
        const float* p = from + kx * pixels + shift;
        unrolled<channels>([&](auto c) HWY_ATTR {
          sum[c] = hn::Add(sum[c], load_between<std::size_t{first}, std::size_t{last}>(
                                       d, p + c * window(s) * pixels));
        });
      }
    });
  }
  constexpr std::size_t count = std::min(lanes, s.width - column);
  unrolled<channels>([&](auto c) HWY_ATTR {
    finish(std::integral_constant<std::size_t, count>{}, channel + c, y * s.width + column, sum[c]);
  });
}

/// dx of `channels` channels of one group; `scratch` holds their products.
template <Conv2dSpec s, std::size_t channels, class Finish>
HWY_INLINE void gather_channels(const float* g, const float* weight, float* HWY_RESTRICT scratch,
                                std::size_t channel, const Finish& finish) {
  constexpr Gemm gemm = products_of_channels(s, channels);
  // All that a matrix product is followed by here: its result is stored.
  constexpr Chain<1, 1> keep{.domain = Dims{3, {1, gemm.m, gemm.n}},
                             .link = {Link{.op = Op::parameter}},
                             .store = {Store{.value = 0, .buffer = 0}}};
  float* products = scratch + vector_slack;
  matmul<gemm, keep>(weight + channel * window(s), g, nullptr, &products,
                     scratch + products_floats(gemm));
  for (std::size_t y = 0; y < s.height; ++y) {
    unrolled<vectors_of(s.width)>([&](auto v) HWY_ATTR {
      gather_pixels<s, channels, v * lanes>(products, channel, y, finish);
    });
  }
}

template <Conv2dSpec s, class Finish>
HWY_INLINE void gathered_input_gradient(const float* g, const float* weight,
                                        float* HWY_RESTRICT scratch, const Finish& finish) {
  constexpr std::size_t inputs = group_inputs(s), step = gathered_channels(s);
  std::size_t channel = 0;
  for (; channel + step <= inputs; channel += step) {
    gather_channels<s, step>(g, weight, scratch, channel, finish);
  }
  if constexpr (inputs % step != 0) {
    gather_channels<s, inputs % step>(g, weight, scratch, channel, finish);
  }
}

// ---- by correlation -----------------------------------------------------------------------------

/// dx of one group at the rows first_row, first_row + stride, ... and columns likewise.
template <Conv2dSpec s, std::size_t first_row, std::size_t first_column, class W>
HWY_INLINE void input_gradient_phase(const float* g, const W* weight,
                                     float* HWY_RESTRICT scratch, float* HWY_RESTRICT dx) {
  constexpr Correlation c = gradient_correlation(s, first_row, first_column);
  constexpr std::size_t width = c.out[1];
  const auto place = [dx](std::size_t channel, std::size_t pixel) {
    const std::size_t row = first_row + pixel / width * s.stride[0];
    const std::size_t column = first_column + pixel % width * s.stride[1];
    return dx + (channel * s.height + row) * s.width + column;
  };
  if constexpr (c.taps() == 0) {
    for (std::size_t channel = 0; channel < c.outputs; ++channel) {
      for (std::size_t pixel = 0; pixel < c.pixels(); ++pixel) *place(channel, pixel) = 0;
    }
  } else {
    pack_and_correlate<c>(g, weight, scratch, [&](auto count, std::size_t channel,
                                                  std::size_t pixel,
                                                  hn::Vec<FloatTag> sum) HWY_ATTR {
      HWY_ALIGN float value[lanes];
      hn::Store(sum, FloatTag{}, value);
      for (std::size_t i = 0; i < count; ++i) *place(channel, pixel + i) = value[i];
    });
  }
}

template <Conv2dSpec s> constexpr std::size_t gradient_packing() {
  const std::size_t image = group_inputs(s) * s.height * s.width;
  return conv2d_input_gradient_scratch(s) - (strided(s) ? image : 0);
}

/// dx of one group with a stride: all phases into an image in scratch, then the chain.
template <Conv2dSpec s, class W, class Finish>
HWY_INLINE void strided_input_gradient(const float* g, const W* weight,
                                       float* HWY_RESTRICT scratch, const Finish& finish) {
  constexpr std::size_t rows = std::min(s.stride[0], s.height);
  constexpr std::size_t columns = std::min(s.stride[1], s.width);
  float* dx = scratch + gradient_packing<s>();
  unrolled<rows * columns>([&](auto phase) HWY_ATTR {
    input_gradient_phase<s, phase / columns, phase % columns>(g, weight, scratch, dx);
  });
  constexpr std::size_t pixels = s.height * s.width, rest = pixels % lanes;
  for (std::size_t channel = 0; channel < group_inputs(s); ++channel, dx += pixels) {
    std::size_t pixel = 0;
    for (; pixel + lanes <= pixels; pixel += lanes) {
      finish(std::integral_constant<std::size_t, lanes>{}, channel, pixel,
             hn::LoadU(FloatTag{}, dx + pixel));
    }
    if constexpr (rest != 0) {
      finish(std::integral_constant<std::size_t, rest>{}, channel, pixel,
             load_lanes<rest>(FloatTag{}, dx + pixel));
    }
  }
}

}  // namespace detail

/// g: [batch][outputs, out_height, out_width] -> the chain, whose domain is exactly (batch,
/// channels, height * width) and whose link 0 is the gradient of conv2d by x.
/// `scratch`: conv2d_input_gradient_scratch(spec) floats. No target overlaps g or weight.
template <auto spec, auto chain>
void conv2d_input_gradient(const float* g, const float* weight, const float* const* sources,
                           float* const* targets, float* HWY_RESTRICT scratch) noexcept {
  constexpr std::size_t inputs = detail::group_inputs(spec);
  constexpr std::size_t plane = detail::group_outputs(spec) * spec.out_height * spec.out_width;
  for (std::size_t sample = 0; sample < spec.batch; ++sample) {
    for (std::size_t group = 0; group < spec.groups; ++group) {
      const float* from = g + sample * spec.y_batch + group * plane;
      using W = typename etch::detail::stored_number<spec.type>::of;
      const W* const w = reinterpret_cast<const W*>(weight) + sample * spec.weight_batch +
                         group * detail::group_weights(spec);
      const std::size_t first = group * inputs;
      const auto finish = [=](auto count, std::size_t channel, std::size_t pixel,
                              hn::Vec<FloatTag> sum) HWY_ATTR {
        const Position at{{sample, first + channel, pixel}};
        run_chain<chain, count>(FloatTag{}, at, sum, sources, targets);
      };
      if constexpr (detail::gradient_by_products(spec)) {
        detail::gathered_input_gradient<spec>(from, w, scratch, finish);
      } else if constexpr (detail::strided(spec)) {
        detail::strided_input_gradient<spec>(from, w, scratch, finish);
      } else {
        detail::pack_and_correlate<detail::gradient_correlation(spec, 0, 0)>(from, w, scratch,
                                                                             finish);
      }
    }
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
