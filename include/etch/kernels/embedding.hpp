// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_EMBEDDING_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_EMBEDDING_HPP
#undef ETCH_KERNELS_EMBEDDING_HPP
#else
#define ETCH_KERNELS_EMBEDDING_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "etch/kernels/copy.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/kernels/small_numbers.hpp"
#include "etch/tape/heavy.hpp"

// Rows of a table, chosen at run time. Indices come as floats, so tables of up to 2^24 rows.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// Never outside of the table, whatever the index is: what comes from a caller may be anything.
template <std::size_t rows> HWY_INLINE std::size_t table_row(float index) {
  constexpr auto last = static_cast<float>(rows - 1);
  const float inside = index > 0 ? index : 0;  // NaN becomes 0
  return static_cast<std::size_t>(inside < last ? inside : last);
}

}  // namespace detail

/// table: [rows, inner], index: [batch, count] -> y: [batch, count, inner].
template <auto spec>
void embedding(const float* table, const float* index, float* HWY_RESTRICT y,
               std::size_t length = 0) noexcept {
  for (std::size_t b = 0; b < spec.batch; ++b) {
    for (std::size_t i = 0; i < spec.lengths.of(0, spec.count, length); ++i, y += spec.inner) {
      const std::size_t row = detail::table_row<spec.rows>(index[b * spec.index_batch + i]);
      const std::size_t from = b * spec.table_batch + row * spec.inner;
      if constexpr (spec.type == NumberType::f32) {
        detail::copy_row<spec.inner>(table + from, y);
      } else {
        for (std::size_t k = 0; k < spec.inner; ++k) {
          y[k] = detail::small_number<spec.type>(table, from + k);
        }
      }
    }
  }
}

/// g: [batch, count, inner], index: [batch, count] -> y: [rows, inner], one for each sample or,
/// with table_batch = 0, the sum over all. Rows are added in the order of samples and indices.
template <auto spec>
void embedding_gradient(const float* g, const float* index, float* HWY_RESTRICT y) noexcept {
  constexpr std::size_t tables = spec.table_batch == 0 ? 1 : spec.batch;
  std::fill_n(y, tables * spec.rows * spec.inner, 0.0f);
  for (std::size_t b = 0; b < spec.batch; ++b) {
    for (std::size_t i = 0; i < spec.count; ++i) {
      const std::size_t row = detail::table_row<spec.rows>(index[b * spec.index_batch + i]);
      detail::add_row<spec.inner>(g + b * spec.y_batch + i * spec.inner,
                                  y + b * spec.table_batch + row * spec.inner);
    }
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
