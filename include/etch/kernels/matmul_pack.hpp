// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_MATMUL_PACK_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_MATMUL_PACK_HPP
#undef ETCH_KERNELS_MATMUL_PACK_HPP
#else
#define ETCH_KERNELS_MATMUL_PACK_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <utility>

#include "etch/kernels/lanes.hpp"
#include "etch/tape/heavy.hpp"

// Packing: a panel of columns of B becomes rows of `width` floats in scratch, zeros to the right of
// C.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// A square of four rows along k: scratch[k + i][j + l] = b[j + l][k + i].
template <std::size_t width, class D>
HWY_INLINE void transpose4(D d, const float* b, std::size_t b_col, float* to) {
  const hn::Vec<D> r0 = hn::LoadU(d, b);
  const hn::Vec<D> r1 = hn::LoadU(d, b + b_col);
  const hn::Vec<D> r2 = hn::LoadU(d, b + 2 * b_col);
  const hn::Vec<D> r3 = hn::LoadU(d, b + 3 * b_col);
  const hn::Vec<D> low02 = InterleaveLower(d, r0, r2), high02 = InterleaveUpper(d, r0, r2);
  const hn::Vec<D> low13 = InterleaveLower(d, r1, r3), high13 = InterleaveUpper(d, r1, r3);
  hn::StoreU(InterleaveLower(d, low02, low13), d, to);
  hn::StoreU(InterleaveUpper(d, low02, low13), d, to + width);
  hn::StoreU(InterleaveLower(d, high02, high13), d, to + 2 * width);
  hn::StoreU(InterleaveUpper(d, high02, high13), d, to + 3 * width);
}

template <Gemm g, std::size_t width>
HWY_INLINE void pack_elements(const float* b, std::size_t from_k, std::size_t column,
                              float* scratch) {
  for (std::size_t k = from_k; k < g.k; ++k) {
    scratch[k * width + column] = b[k * g.b_k + column * g.b_col];
  }
}

/// One q of the panel: `columns` columns from b on.
template <Gemm g, std::size_t width, std::size_t columns>
HWY_INLINE void pack_panel(const float* b, float* HWY_RESTRICT scratch) {
  std::size_t j = 0;
  if constexpr (g.b_k == 1 && lanes >= 4) {
    for (; j < columns - columns % 4; j += 4) {
      const hn::CappedTag<float, 4> d4;
      const float* corner = b + j * g.b_col;
      for (std::size_t k = 0; k < g.k - g.k % 4; k += 4) {
        transpose4<width>(d4, corner + k, g.b_col, scratch + k * width + j);
      }
      for (std::size_t i = j; i < j + 4; ++i) {
        pack_elements<g, width>(b, g.k - g.k % 4, i, scratch);
      }
    }
  }
  for (; j < columns; ++j) pack_elements<g, width>(b, 0, j, scratch);
  for (; j < width; ++j) {
    for (std::size_t k = 0; k < g.k; ++k) scratch[k * width + j] = 0;
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
