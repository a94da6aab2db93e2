// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_MATMUL_PACK_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_MATMUL_PACK_HPP
#undef ETCH_KERNELS_MATMUL_PACK_HPP
#else
#define ETCH_KERNELS_MATMUL_PACK_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "etch/kernels/transpose.hpp"
#include "etch/tape/heavy.hpp"

// Packing: a panel of columns of B becomes rows of `width` floats in scratch, zeros to the right of
// C.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// One q of the panel: `columns` columns from b on.
template <Gemm g, std::size_t width, std::size_t columns>
HWY_INLINE void pack_panel(const float* b, float* HWY_RESTRICT scratch) {
  if constexpr (g.b_k == 1) {
    transpose<columns, g.k, g.b_col, width>(b, scratch);
  } else {
    for (std::size_t k = 0; k < g.k; ++k) {
      for (std::size_t j = 0; j < columns; ++j) {
        scratch[k * width + j] = b[k * g.b_k + j * g.b_col];
      }
    }
  }
  for (std::size_t k = 0; k < g.k; ++k) {
    for (std::size_t j = columns; j < width; ++j) scratch[k * width + j] = 0;
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
