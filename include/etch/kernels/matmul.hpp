// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_MATMUL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_MATMUL_HPP
#undef ETCH_KERNELS_MATMUL_HPP
#else
#define ETCH_KERNELS_MATMUL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/kernels/matmul_dots.hpp"
#include "etch/kernels/matmul_pack.hpp"
#include "etch/kernels/matmul_parts.hpp"
#include "etch/kernels/matmul_plan.hpp"
#include "etch/kernels/matmul_small.hpp"
#include "etch/kernels/matmul_tile.hpp"
#include "etch/tape/chain.hpp"
#include "etch/tape/heavy.hpp"

// C[o, i, j] = sum over (q, k) of A[o, i, q, k] B[o, q, k, j], then a chain on each element of C.
//
// The work is cut into register tiles (matmul_tile.hpp): rows of C into an even number of tiles,
// columns into panels of a few vectors.
//
// An accumulator takes k in rising order; where C has few elements it is one of `split` partial
// sums (k = s mod split), so that enough multiply-adds are in flight. The sum order of an element
// thus depends on the shape only, not on the lane count or on the element's place in a tile.
//
// Where B has no contiguous rows there are two ways: with several rows of A its columns are first
// packed (transposed) into scratch; with few rows, dot products along k.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

using etch::detail::is_small;
using etch::detail::small_tile_size;

template <Gemm g, Tile t, std::size_t count, auto chain, class D>
HWY_INLINE void run_rows(D d, const float* a, const float* b, Position& at,
                         const float* const* sources, float* const* targets) {
  if constexpr (count != 0) {
    for (std::size_t tile = 0; tile < count && !ended<chain, 1>(at); ++tile) {
      if constexpr (is_small(g)) run_small_tile<g, t, chain>(d, a, b, at, sources, targets);
      else run_tile<g, t, chain>(d, a + at.index[1] * g.a_row, b, at, sources, targets);
      at.index[1] += t.rows;
    }
  }
}

template <Gemm g, Tile t, auto chain, class D>
HWY_INLINE void run_all_rows(D d, const float* a, const float* b, Position at,
                             const float* const* sources, float* const* targets) {
  constexpr Parts parts = even_parts(g.m, t.rows);
  constexpr Tile high{parts.high, t.vectors, t.split, t.tail, t.readable};
  constexpr Tile low{parts.high - 1, t.vectors, t.split, t.tail, t.readable};
  run_rows<g, high, parts.high_count, chain>(d, a, b, at, sources, targets);
  run_rows<g, low, parts.low_count, chain>(d, a, b, at, sources, targets);
}

/// `count` panels of columns, one tile wide, from at.index[2] on.
template <Gemm g, Tile t, std::size_t count, auto chain, class D>
HWY_INLINE void run_panels(D d, const float* a, const float* b, Position& at,
                           const float* const* sources, float* const* targets, float* scratch) {
  constexpr std::size_t width = t.vectors * hn::MaxLanes(D{});
  constexpr std::size_t columns = width - hn::MaxLanes(D{}) + t.tail;
  for (std::size_t panel = 0; panel < count && !ended<chain, 2>(at); ++panel) {
    const float* from = is_small(g) ? b : b + at.index[2] * g.b_col;
    if constexpr (matmul_way(g) == MatmulWay::packed) {
      for (std::size_t q = 0; q < g.q; ++q) {
        pack_panel<g, width, columns>(from + q * g.b_q, scratch + q * g.k * width);
      }
      constexpr Tile whole{t.rows, t.vectors, t.split, t.tail, hn::MaxLanes(D{})};
      run_all_rows<packed_gemm(g, width), whole, chain>(d, a, scratch, at, sources, targets);
    } else {
      run_all_rows<g, t, chain>(d, a, from, at, sources, targets);
    }
    at.index[2] += width;
  }
}

/// All columns of one `outer`: panels of one size, then of a vector less; the last may be ragged.
template <Gemm g, auto chain>
HWY_INLINE void run_all_panels(const float* a, const float* b, Position at,
                               const float* const* sources, float* const* targets,
                               float* scratch) {
  const TagFor<g.n> d;
  constexpr std::size_t width = hn::MaxLanes(TagFor<g.n>{});
  constexpr std::size_t vectors = (g.n + width - 1) / width;
  constexpr std::size_t tail = g.n - (vectors - 1) * width;
  constexpr TileSize size = is_small(g) ? small_tile_size(g, vectors, tile_budget)
                                        : tile_size(g, vectors, tile_budget);
  constexpr Parts parts = even_parts(vectors, size.vectors);
  constexpr bool ragged = tail != width;
  constexpr bool last_is_low = parts.low_count != 0;
  constexpr std::size_t whole_high = parts.high_count - (ragged && !last_is_low ? 1 : 0);
  constexpr std::size_t whole_low = parts.low_count - (ragged && last_is_low ? 1 : 0);
  constexpr Tile high{size.rows, parts.high, size.split, width, width};
  constexpr Tile low{size.rows, parts.high - 1, size.split, width, width};
  constexpr Tile last{size.rows, last_is_low ? low.vectors : high.vectors, size.split, tail, tail};
  if constexpr (whole_high != 0) {
    run_panels<g, high, whole_high, chain>(d, a, b, at, sources, targets, scratch);
  }
  if constexpr (whole_low != 0) {
    run_panels<g, low, whole_low, chain>(d, a, b, at, sources, targets, scratch);
  }
  if constexpr (ragged) run_panels<g, last, 1, chain>(d, a, b, at, sources, targets, scratch);
}

}  // namespace detail

/// Floats of scratch that `matmul` needs for this product; often none.
constexpr std::size_t matmul_scratch(const Gemm& gemm) {
  return etch::detail::matmul_scratch(gemm);
}

/// Computes the product `gemm` (see Gemm for shapes and strides; all strides are served) and runs
/// `chain` on it: its domain is (outer, m, n) and its link 0 the element of C. The chain does the
/// storing, its targets must not overlap a, b or scratch. Buffers are read and written within their
/// elements only; scratch holds matmul_scratch(gemm) floats with any content. A run of `length`, if
/// axes vary, goes up to the end of a tile or vector, within the extents.
template <auto gemm, auto chain>
void matmul(const float* a, const float* b, const float* const* sources, float* const* targets,
            float* scratch, std::size_t length = 0) noexcept {
  static_assert(chain.domain == domain_of_product(gemm));
  constexpr auto product = etch::detail::normal_product(gemm, chain);
  constexpr Gemm g = product.gemm;
  const Buffers<chain> held(sources, targets);
  const std::size_t outer = extent<product.chain>(Position{.length = length}, 0);
  for (std::size_t o = 0; o < outer; ++o) {
    const Position at{{o}, length};
    const float* ao = (product.transposed ? b : a) + o * g.a_outer;
    const float* bo = (product.transposed ? a : b) + o * g.b_outer;
    if constexpr (detail::is_small(g)) {
      ao = detail::small_rows<g>(ao, extent<product.chain>(at, 1), scratch);
    }
    if constexpr (g.parts > 1) {
      detail::run_all_parts<g, product.chain>(ao, bo, at, held.sources, held.targets);
    } else if constexpr (detail::matmul_way(g) == detail::MatmulWay::dots) {
      detail::run_all_dots<g, product.chain>(ao, bo, at, held.sources, held.targets);
    } else {
      detail::run_all_panels<g, product.chain>(ao, bo, at, held.sources, held.targets, scratch);
    }
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
