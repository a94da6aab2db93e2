// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_TRANSPOSE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_TRANSPOSE_HPP
#undef ETCH_KERNELS_TRANSPOSE_HPP
#else
#define ETCH_KERNELS_TRANSPOSE_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "etch/kernels/lanes.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// transpose for four by four; D has four lanes.
template <std::size_t from_pitch, std::size_t to_pitch, class D>
HWY_INLINE void transpose_block(D d, const float* HWY_RESTRICT from, float* HWY_RESTRICT to) {
  const hn::Vec<D> a = hn::LoadU(d, from), b = hn::LoadU(d, from + from_pitch);
  const hn::Vec<D> e = hn::LoadU(d, from + 2 * from_pitch);
  const hn::Vec<D> f = hn::LoadU(d, from + 3 * from_pitch);
  // Unqualified, as HWY_SCALAR has no Interleave at all.
  const hn::Vec<D> ae0 = InterleaveLower(d, a, e), ae1 = InterleaveUpper(d, a, e);
  const hn::Vec<D> bf0 = InterleaveLower(d, b, f), bf1 = InterleaveUpper(d, b, f);
  hn::StoreU(InterleaveLower(d, ae0, bf0), d, to);
  hn::StoreU(InterleaveUpper(d, ae0, bf0), d, to + to_pitch);
  hn::StoreU(InterleaveLower(d, ae1, bf1), d, to + 2 * to_pitch);
  hn::StoreU(InterleaveUpper(d, ae1, bf1), d, to + 3 * to_pitch);
}

/// to[j * to_pitch + i] = from[i * from_pitch + j] for i < rows, j < columns.
template <std::size_t rows, std::size_t columns, std::size_t from_pitch, std::size_t to_pitch>
HWY_INLINE void transpose(const float* HWY_RESTRICT from, float* HWY_RESTRICT to) {
  constexpr std::size_t block = lanes < 4 ? 1 : 4;
  constexpr std::size_t whole_rows = block == 1 ? 0 : rows / block * block;
  constexpr std::size_t whole_columns = block == 1 ? 0 : columns / block * block;
  if constexpr (block != 1) {
    for (std::size_t i = 0; i < whole_rows; i += block) {
      for (std::size_t j = 0; j < whole_columns; j += block) {
        transpose_block<from_pitch, to_pitch>(hn::CappedTag<float, block>{},
                                              from + i * from_pitch + j, to + j * to_pitch + i);
      }
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = i < whole_rows ? whole_columns : 0; j < columns; ++j) {
      to[j * to_pitch + i] = from[i * from_pitch + j];
    }
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
