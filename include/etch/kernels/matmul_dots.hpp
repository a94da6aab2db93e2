// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_MATMUL_DOTS_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_MATMUL_DOTS_HPP
#undef ETCH_KERNELS_MATMUL_DOTS_HPP
#else
#define ETCH_KERNELS_MATMUL_DOTS_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/tape/heavy.hpp"

// Few rows of A against columns of B that run through memory along k: dot products, four columns of
// C at a time, their sums spread over the 16 logical lanes.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// Lanes k .. k + 15 of x and of each of the columns; of the last ones only `rest` are there.
template <Gemm g, std::size_t rest, std::size_t group, std::size_t... c>
HWY_INLINE void dot_group(const float* x, const float* w, hn::Vec<FloatTag>* HWY_RESTRICT acc,
                          std::index_sequence<c...>) {
  if constexpr (constexpr std::size_t from = group * lanes; from < rest) {
    const FloatTag d;
    constexpr std::size_t count = rest - from < lanes ? rest - from : lanes;
    const hn::Vec<FloatTag> part = load_lanes<count>(d, x + from);
    ((acc[c] = hn::MulAdd(part, load_lanes<count>(d, w + c * g.b_col + from), acc[c])), ...);
  }
}

template <Gemm g, std::size_t rest, std::size_t columns, std::size_t... group>
HWY_INLINE void dot_groups(const float* x, const float* w, hn::Vec<FloatTag>* HWY_RESTRICT acc,
                           std::index_sequence<group...>) {
  (dot_group<g, rest, group>(x, w, acc + group * columns, std::make_index_sequence<columns>{}),
   ...);
}

/// Down to four lanes: lane i with i + 8, then with i + 4.
template <class D> HWY_INLINE auto to_four_lanes(D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(d) <= 4) {
    return v;
  } else {
    const hn::Half<D> half;
    return to_four_lanes(half, hn::Add(hn::LowerHalf(half, v), UpperHalf(half, v)));
  }
}

/// The sums of the four lanes of each of four vectors, (0 + 2) + (1 + 3), side by side.
template <class D>
HWY_INLINE hn::Vec<D> sum_each(D d, hn::Vec<D> s0, hn::Vec<D> s1, hn::Vec<D> s2, hn::Vec<D> s3) {
  const auto s01 = hn::Add(ConcatLowerLower(d, s1, s0), ConcatUpperUpper(d, s1, s0));
  const auto s23 = hn::Add(ConcatLowerLower(d, s3, s2), ConcatUpperUpper(d, s3, s2));
  return hn::Add(ConcatEven(d, s23, s01), ConcatOdd(d, s23, s01));
}

/// Columns of C from `at` on, at most four; a row of A and the columns of B are contiguous along k.
template <Gemm g, std::size_t columns, auto chain>
HWY_INLINE void run_dots(const float* a, const float* b, const Position& at,
                         const float* const* sources, float* const* targets) {
  const FloatTag d;
  using Groups = std::make_index_sequence<lane_groups>;
  hn::Vec<FloatTag> acc[lane_groups * columns];
  set_zero(d, acc, std::make_index_sequence<lane_groups * columns>{});
  constexpr std::size_t rest = g.k % logical_lanes;
  for (std::size_t q = 0; q < g.q; ++q) {
    const float* x = a + q * g.a_q;
    const float* w = b + q * g.b_q;
    for (std::size_t k = 0; k < g.k - rest; k += logical_lanes) {
      dot_groups<g, logical_lanes, columns>(x + k, w + k, acc, Groups{});
    }
    if constexpr (rest != 0) {
      dot_groups<g, rest, columns>(x + (g.k - rest), w + (g.k - rest), acc, Groups{});
    }
  }
  fold_parts<columns, lane_groups>(acc);
  if constexpr (lanes == 1) {
    run_chain<chain, 1>(d, at, acc[0], sources, targets);
  } else {
    const hn::CappedTag<float, 4> d4;
    const auto sum = [&](std::size_t c) HWY_ATTR { return to_four_lanes(d, acc[c]); };
    constexpr std::size_t last = columns - 1;
    const auto sums = sum_each(d4, sum(0), sum(last < 1 ? last : 1), sum(last < 2 ? last : 2),
                               sum(last));
    run_chain<chain, columns>(d4, at, sums, sources, targets);
  }
}

/// All rows and columns of one `outer`.
template <Gemm g, auto chain>
HWY_INLINE void run_all_dots(const float* a, const float* b, Position at,
                             const float* const* sources, float* const* targets) {
  constexpr std::size_t columns = lanes == 1 ? 1 : 4;
  constexpr std::size_t rest = g.n % columns;
  const std::size_t rows = extent<chain>(at, 1), end = extent<chain>(at, 2);
  for (std::size_t i = 0; i < rows; ++i) {
    const float* x = a + i * g.a_row;
    at.index[1] = i;
    for (std::size_t j = 0; j < std::min(g.n - rest, end); j += columns) {
      at.index[2] = j;
      run_dots<g, columns, chain>(x, b + j * g.b_col, at, sources, targets);
    }
    if constexpr (rest != 0) {
      if (end <= g.n - rest) continue;
      at.index[2] = g.n - rest;
      run_dots<g, rest, chain>(x, b + (g.n - rest) * g.b_col, at, sources, targets);
    }
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
