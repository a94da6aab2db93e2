// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_CONV2D_WINOGRAD_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_CONV2D_WINOGRAD_HPP
#undef ETCH_KERNELS_CONV2D_WINOGRAD_HPP
#else
#define ETCH_KERNELS_CONV2D_WINOGRAD_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/conv2d_layout.hpp"
#include "etch/kernels/correlation.hpp"
#include "etch/kernels/lanes.hpp"

// Three rows of a kernel, g, over four rows of x, d, give two rows of y, by Winograd's minimal
// filtering F(2, 3) down the columns ("Arithmetic Complexity of Computations", 1980; Lavin and
// Gray, "Fast Algorithms for Convolutional Neural Networks", 2015):
//
//   y0 = d0 g0 + d1 g1 + d2 g2 = m0 + m1 + m2        m0 = (d0 - d2) g0
//   y1 = d1 g0 + d2 g1 + d3 g2 = m1 - m2 + m3        m1 = (d1 + d2) (g0 + g1 + g2) / 2
//                                                    m2 = (d2 - d1) (g0 - g1 + g2) / 2
//                                                    m3 = (d3 - d1) g2
//
// Four products for six. Each m is summed over the columns of the kernel and over the channels by a
// correlation with a kernel of one row. The sums are shorter, and come out closer to the exact ones
// than the direct way's. No pixel of y sees more of x than its window; but where the direct way
// makes an infinity of d1 or d2, this one makes NaN.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// to: for each kernel g of `filters`, the rows (g0 + g1 + g2) / 2 and (g0 - g1 + g2) / 2; a kernel
/// takes as many floats as it did.
template <std::size_t width>
HWY_INLINE void winograd_weights(const float* weight, std::size_t filters, float* HWY_RESTRICT to) {
  using D = hn::CappedTag<float, 4>;
  constexpr D d;
  const auto half = hn::Set(d, 0.5f);
  const auto combine = [=](const float* g, float* HWY_RESTRICT u, auto load, auto store) HWY_ATTR {
    const hn::Vec<D> outer = hn::Mul(half, hn::Add(load(g), load(g + 2 * width)));
    const hn::Vec<D> inner = hn::Mul(half, load(g + width));
    store(hn::Add(outer, inner), u);
    store(hn::Sub(outer, inner), u + width);
  };
  // All but the last kernel can be read beyond their ends.
  constexpr bool whole = width <= hn::MaxLanes(d);
  for (std::size_t i = 0; i < filters; ++i, weight += 3 * width, to += 3 * width) {
    if (whole && i + 1 != filters) {
      combine(
          weight, to, [](const float* p) HWY_ATTR { return hn::LoadU(D{}, p); },
          [](hn::Vec<D> v, float* p) HWY_ATTR { hn::StoreU(v, D{}, p); });
    } else {
      for (std::size_t k = 0; k < width; ++k) {
        combine(
            weight + k, to + k, [](const float* p) HWY_ATTR { return hn::Set(D{}, *p); },
            [](hn::Vec<D> v, float* p) HWY_ATTR { *p = hn::GetLane(v); });
      }
    }
  }
}

/// d0 - d2, d1 + d2, d2 - d1 and d3 - d1 for `width` floats.
template <std::size_t width, std::size_t pitch>
HWY_INLINE void winograd_rows(const float* const (&row)[4], float* HWY_RESTRICT to) {
  using D = TagFor<width>;
  constexpr D d;
  constexpr std::size_t all = hn::MaxLanes(d), rest = width % all;
  const auto combine = [&](auto count, std::size_t i) HWY_ATTR {
    const hn::Vec<D> d0 = load_lanes<count>(d, row[0] + i), d1 = load_lanes<count>(d, row[1] + i);
    const hn::Vec<D> d2 = load_lanes<count>(d, row[2] + i), d3 = load_lanes<count>(d, row[3] + i);
    hn::StoreU(hn::Sub(d0, d2), d, to + i);
    hn::StoreU(hn::Add(d1, d2), d, to + pitch + i);
    hn::StoreU(hn::Sub(d2, d1), d, to + 2 * pitch + i);
    hn::StoreU(hn::Sub(d3, d1), d, to + 3 * pitch + i);
  };
  for (std::size_t i = 0; i + all <= width; i += all) {
    combine(std::integral_constant<std::size_t, all>{}, i);
  }
  if constexpr (rest != 0) combine(std::integral_constant<std::size_t, rest>{}, width - rest);
}

/// The same rows where the correlation looks for them.
template <Correlation c>
HWY_INLINE void winograd_place(const float* row, float* HWY_RESTRICT to, std::size_t r) {
  constexpr Layout layout = pixel_runs<c>().layout;
  if constexpr (layout == Layout::source) {
    std::memcpy(to + r * c.in[1], row, c.in[1] * sizeof(float));
  } else if constexpr (layout == Layout::padded) {
    constexpr Correlation copy = padded_source(c);
    pack_row<copy, 0>(row, to + r * copy.out[1]);
  } else {
    unrolled<c.kernel[1]>([&](auto kx) HWY_ATTR {
      pack_row<c, kx>(row, to + (kx * c.out[0] + r) * c.out[1]);
    });
  }
}

/// x of one group -> the sources of the four correlations.
template <Conv2dSpec s>
HWY_INLINE void winograd_sources(const float* x, float* HWY_RESTRICT scratch) {
  constexpr Correlation c = winograd_correlation(s);
  constexpr WinogradScratch at(s);
  float* const zeros = scratch + at.rows;
  float* const combined = zeros + at.pitch;
  constexpr std::size_t pitch = at.pitch, plane = at.plane, channel_pitch = tap_offset<c>(1, 0, 0);
  std::memset(zeros, 0, at.pitch * sizeof(float));
  for (std::size_t channel = 0; channel < c.inputs; ++channel, x += s.height * s.width) {
    for (std::size_t r = 0; r < c.out[0]; ++r) {
      const float* row[4];
      for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t y = 2 * r + i - s.padding[0];  // wraps round below zero
        row[i] = y < s.height ? x + y * s.width : zeros;
      }
      winograd_rows<s.width, at.pitch>(row, combined);
      unrolled<4>([&](auto i) HWY_ATTR {
        winograd_place<c>(combined + i * pitch, scratch + i * plane + channel * channel_pitch, r);
      });
    }
  }
}

/// m1 = e, then (m1 + m2, m1 - m2) = (e, o), then m0 + e, then m3 + o, for outputs as [even rows,
/// odd rows].
template <Conv2dSpec s>
HWY_INLINE void winograd_sums(const float* weight, float* HWY_RESTRICT scratch) {
  constexpr Correlation c = winograd_correlation(s);
  constexpr WinogradScratch at(s);
  constexpr std::size_t width = s.kernel[1], pixels = c.pixels();
  float* const sums = scratch + at.sums;
  const float* const u = scratch + at.weights;
  const float* const weights[4] = {weight, u, u + width, weight + 2 * width};
  constexpr std::size_t order[] = {1, 2, 0, 3};
  for (const std::size_t i : order) {
    const auto finish = [=](auto count, std::size_t output, std::size_t pixel,
                            hn::Vec<FloatTag> sum) HWY_ATTR {
      constexpr FloatTag d;
      float* const even = sums + 2 * output * pixels + pixel;
      float* const odd = even + pixels;
      float* const to = i == 3 ? odd : even;
      if (i != 1) {
        const hn::Vec<FloatTag> before = load_lanes<count>(d, to);
        if (i == 2) store_lanes<count>(d, hn::Sub(before, sum), odd);
        sum = hn::Add(before, sum);
      }
      store_lanes<count>(d, sum, to);
    };
    correlate<c>(scratch + i * at.plane, weights[i], finish);
  }
}

/// The chain over the sums of one sample, outputs from `first` on.
template <Conv2dSpec s, auto chain>
HWY_INLINE void winograd_finish(const float* sums, std::size_t sample, std::size_t first,
                                const Buffers<chain>& held) {
  constexpr Correlation c = winograd_correlation(s);
  using D = TagFor<s.out_width>;
  constexpr std::size_t all = hn::MaxLanes(D{}), rest = s.out_width % all;
  for (std::size_t output = 0; output < c.outputs; ++output, sums += 2 * c.pixels()) {
    for (std::size_t y = 0; y < s.out_height; ++y) {
      const float* const row = sums + (y % 2 * c.out[0] + y / 2) * s.out_width;
      const auto run = [&](auto count, std::size_t column) HWY_ATTR {
        const Position at{{sample, first + output, y * s.out_width + column}};
        run_chain<chain, count>(D{}, at, load_lanes<count>(D{}, row + column), held.sources,
                                held.targets);
      };
      for (std::size_t column = 0; column + all <= s.out_width; column += all) {
        run(std::integral_constant<std::size_t, all>{}, column);
      }
      if constexpr (rest != 0) {
        run(std::integral_constant<std::size_t, rest>{}, s.out_width - rest);
      }
    }
  }
}

/// One group of all samples; its first output is `first`.
template <Conv2dSpec s, auto chain>
HWY_INLINE void winograd_group(const float* x, const float* weight, std::size_t first,
                               const Buffers<chain>& held, float* HWY_RESTRICT scratch) {
  constexpr Correlation c = winograd_correlation(s);
  constexpr WinogradScratch at(s);
  constexpr std::size_t filters = c.outputs * c.inputs;
  for (std::size_t part = 0; part < group_outputs(s); part += c.outputs) {
    const float* w = weight + part * c.inputs * window(s);
    for (std::size_t sample = 0; sample < s.batch; ++sample, w += s.weight_batch) {
      if (sample == 0 || s.weight_batch != 0) {
        winograd_weights<s.kernel[1]>(w, filters, scratch + at.weights);
      }
      winograd_sources<s>(x + sample * s.x_batch, scratch);
      winograd_sums<s>(w, scratch);
      winograd_finish<s, chain>(scratch + at.sums, sample, first + part, held);
    }
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
