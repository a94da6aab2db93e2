// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_MATMUL_PARTS_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_MATMUL_PARTS_HPP
#undef ETCH_KERNELS_MATMUL_PARTS_HPP
#else
#define ETCH_KERNELS_MATMUL_PARTS_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/kernels/matmul_tile.hpp"
#include "etch/tape/heavy.hpp"

// One row of C whose columns are those of several parts, the gates of a cell, one after the other:
// a tile has the same few columns of each part, and the chain takes them together. Tiles are
// written out side by side, for the processor to go on with the products of one while the chain of
// another, exponentials mostly, still runs.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// Columns column, column + 1, ... of all parts.
template <Gemm g, Tile t, auto chain, class D>
HWY_INLINE void run_part_tile(D d, const float* a, const float* b, Position at,
                              std::size_t column, const float* const* sources,
                              float* const* targets) {
  at.index[2] = column;
  run_tile<g, t, chain>(d, a, b + column * g.b_col, at, sources, targets);
}

template <Gemm g, Tile t, auto chain, std::size_t... i, class D>
HWY_INLINE void run_part_tiles(D d, const float* a, const float* b, const Position& at,
                               std::size_t column, const float* const* sources,
                               float* const* targets, std::index_sequence<i...>) {
  constexpr std::size_t width = t.vectors / g.parts * hn::MaxLanes(D{});
  (run_part_tile<g, t, chain>(d, a, b, at, column + i * width, sources, targets), ...);
}

/// All columns of one `outer`.
template <Gemm g, auto chain>
HWY_INLINE void run_all_parts(const float* a, const float* b, const Position& at,
                              const float* const* sources, float* const* targets) {
  constexpr std::size_t n = g.n / g.parts, side_by_side = 4;
  const TagFor<n> d;
  constexpr std::size_t width = hn::MaxLanes(TagFor<n>{});
  constexpr std::size_t vectors = (n + width - 1) / width, tail = n - (vectors - 1) * width;
  constexpr std::size_t split = etch::detail::matmul_split(g);
  constexpr std::size_t across = std::clamp<std::size_t>(
      tile_budget / (g.parts * split), 1, std::min<std::size_t>(vectors, 2));
  constexpr std::size_t whole = (tail == width ? vectors : vectors - 1) / across;
  constexpr std::size_t rest = vectors - whole * across, last = whole % side_by_side;
  constexpr Tile tile{1, g.parts * across, split, width, width};
  std::size_t column = 0;
  for (std::size_t i = 0; i < whole / side_by_side; ++i) {
    run_part_tiles<g, tile, chain>(d, a, b, at, column, sources, targets,
                                   std::make_index_sequence<side_by_side>{});
    column += side_by_side * across * width;
  }
  if constexpr (last != 0) {
    run_part_tiles<g, tile, chain>(d, a, b, at, column, sources, targets,
                                   std::make_index_sequence<last>{});
  }
  if constexpr (rest != 0) {
    constexpr Tile ragged{1, g.parts * rest, split, tail, tail};
    run_part_tile<g, ragged, chain>(d, a, b, at, whole * across * width, sources, targets);
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
