// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_COPY_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_COPY_HPP
#undef ETCH_KERNELS_COPY_HPP
#else
#define ETCH_KERNELS_COPY_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "etch/tape/heavy.hpp"

// The ops that only move numbers. No vectors by hand: sizes are constants, so the compiler picks
// the widest moves for short rows, and memcpy does for long ones.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

namespace detail {

template <std::size_t count> HWY_INLINE void copy_row(const float* from, float* to) {
  if constexpr (count != 0) std::memcpy(to, from, count * sizeof(float));
}

}  // namespace detail

/// a: [a_period, a_inner], b: [b_period, b_inner] -> y: [outer, a_inner + b_inner], row o being row
/// o % a_period of a, then row o % b_period of b. y overlaps neither.
template <auto spec>
void concat(const float* a, const float* b, float* HWY_RESTRICT y,
            std::size_t length = 0) noexcept {
  for (std::size_t o = 0; o < spec.lengths.of(0, spec.outer, length); ++o) {
    detail::copy_row<spec.a_inner>(a + o % spec.a_period * spec.a_inner, y);
    y += spec.a_inner;
    detail::copy_row<spec.b_inner>(b + o % spec.b_period * spec.b_inner, y);
    y += spec.b_inner;
  }
}

/// x: [outer, count, inner] -> y: [outer, extent, inner], y[o, start + i * step] = x[o, i] and zero
/// elsewhere. y does not overlap x.
template <auto spec>
void pad(const float* x, float* HWY_RESTRICT y, std::size_t length = 0) noexcept {
  constexpr std::size_t row = spec.count * spec.inner;
  const std::size_t outer = spec.lengths.of(0, spec.outer, length);
  for (std::size_t o = 0; o < outer; ++o, x += row, y += spec.extent * spec.inner) {
    if constexpr (spec.step == 1) {
      constexpr std::size_t start = spec.start * spec.inner;
      std::fill_n(y, start, 0.0f);
      detail::copy_row<row>(x, y + start);
      std::fill_n(y + start + row, spec.extent * spec.inner - start - row, 0.0f);
    } else {
      std::fill_n(y, spec.extent * spec.inner, 0.0f);
      for (std::size_t i = 0; i < spec.count; ++i) {
        detail::copy_row<spec.inner>(x + i * spec.inner,
                                     y + (spec.start + i * spec.step) * spec.inner);
      }
    }
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
