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
#include "etch/kernels/matmul_plan.hpp"
#include "etch/tape/chain.hpp"
#include "etch/tape/heavy.hpp"

// C[o, i, j] = sum over (q, k) of A[o, i, q, k] B[o, q, k, j], then a chain on each element of C.
//
// The work is cut into register tiles of `rows` x `vectors` accumulators which live through the
// whole sum, so that C is touched once, by the chain. Per k a tile loads a few vectors of B and
// broadcasts a few elements of A:
//
//            j ->  [  b0  ][  b1  ]         acc[r][v] += A[r, k] * b[v]
//     A[0, k]      [ acc  ][ acc  ]
//     A[1, k]      [ acc  ][ acc  ]
//       ...
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

using etch::detail::even_parts;
using etch::detail::matmul_way;
using etch::detail::MatmulWay;
using etch::detail::packed_gemm;
using etch::detail::Parts;
using etch::detail::TileSize;
using etch::detail::tile_size;

/// Accumulators that leave room for the operands: 16 registers, or 32.
inline constexpr std::size_t tile_budget =
    HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON ? 24 : 12;

/// Of the last vector only the first `tail` lanes are columns of C, the first `readable` are in B.
struct Tile {
  std::size_t rows, vectors, split, tail, readable;
};

/// Vector v of the row of B that starts at b.
template <Gemm g, Tile t, std::size_t v, class D>
HWY_INLINE hn::Vec<D> load_b(D d, const float* b) {
  constexpr std::size_t width = hn::MaxLanes(D{});
  constexpr std::size_t count = v + 1 == t.vectors ? t.readable : width;
  return load_strided<count, g.b_col>(d, b + v * width * g.b_col);
}

/// One row of the tile: its element of A times a row of B.
template <std::size_t... v, class V>
HWY_INLINE void multiply_row(V a, const V* HWY_RESTRICT b, V* HWY_RESTRICT acc,
                             std::index_sequence<v...>) {
  ((acc[v] = hn::MulAdd(a, b[v], acc[v])), ...);
}

/// One column of vectors of the tile: a column of A times a vector of B.
template <std::size_t vectors, std::size_t... r, class V>
HWY_INLINE void multiply_column(const V* HWY_RESTRICT a, V b, V* HWY_RESTRICT acc,
                                std::index_sequence<r...>) {
  ((acc[r * vectors] = hn::MulAdd(a[r], b, acc[r * vectors])), ...);
}

/// One k: the outer product of a column of A and a row of B. The shorter of the two waits in
/// registers, or the accumulators would be spilled.
template <Gemm g, Tile t, std::size_t... r, std::size_t... v, class D>
HWY_INLINE void multiply_step(D d, const float* a, const float* b, hn::Vec<D>* HWY_RESTRICT acc,
                              std::index_sequence<r...> rows, std::index_sequence<v...> vectors) {
  if constexpr (t.vectors <= t.rows) {
    const hn::Vec<D> row[t.vectors] = {load_b<g, t, v>(d, b)...};
    (multiply_row(hn::Set(d, a[r * g.a_row]), row, acc + r * t.vectors, vectors), ...);
  } else {
    const hn::Vec<D> column[t.rows] = {hn::Set(d, a[r * g.a_row])...};
    (multiply_column<t.vectors>(column, load_b<g, t, v>(d, b), acc + v, rows), ...);
  }
}

/// Consecutive k, each added to its own partial sum.
template <Gemm g, Tile t, std::size_t... s, class D>
HWY_INLINE void multiply_steps(D d, const float* a, const float* b,
                               hn::Vec<D>* HWY_RESTRICT acc, std::index_sequence<s...>) {
  (multiply_step<g, t>(d, a + s * g.a_k, b + s * g.b_k, acc + s * t.rows * t.vectors,
                       std::make_index_sequence<t.rows>{},
                       std::make_index_sequence<t.vectors>{}),
   ...);
}

/// A single row waits for B to be read; reading four elements of it at once and spreading them in
/// registers leaves the ports to B.
template <Gemm g, Tile t, class D>
inline constexpr bool reads_quads =
    t.rows == 1 && g.a_k == 1 && g.b_col == 1 && hn::MaxLanes(D{}) > 4;

template <Gemm g, Tile t, std::size_t part, std::size_t... v, class D>
HWY_INLINE void multiply_spread(D d, hn::Vec<D> a, const float* b, hn::Vec<D>* HWY_RESTRICT acc,
                                std::index_sequence<v...> vectors) {
  const hn::Vec<D> row[t.vectors] = {load_b<g, t, v>(d, b)...};
  multiply_row(a, row, acc + part % t.split * t.vectors, vectors);
}

/// Four k, of which the first belongs to partial sum `part`.
template <Gemm g, Tile t, std::size_t part, std::size_t... s, class D>
HWY_INLINE void multiply_quad(D d, const float* a, const float* b, hn::Vec<D>* HWY_RESTRICT acc,
                              std::index_sequence<s...>) {
  const hn::Vec<D> quad = hn::LoadDup128(d, a);
  (multiply_spread<g, t, part + s>(d, hn::Broadcast<s>(quad), b + s * g.b_k, acc,
                                   std::make_index_sequence<t.vectors>{}),
   ...);
}

/// All k of one q.
template <Gemm g, Tile t, class D>
HWY_INLINE void multiply_all(D d, const float* a, const float* b, hn::Vec<D>* HWY_RESTRICT acc,
                             std::size_t length) {
  std::size_t k = 0;
  const std::size_t end = g.depth.of(0, g.k, length);
  if constexpr (reads_quads<g, t, D>) {
    constexpr std::size_t step = t.split < 4 ? 4 : t.split;
    for (; k < end - end % step; k += step) {
      unrolled<step / 4>([&](auto i) HWY_ATTR {
        multiply_quad<g, t, 4 * i>(d, a + k + 4 * i, b + (k + 4 * i) * g.b_k, acc,
                                   std::make_index_sequence<4>{});
      });
    }
  }
  for (; k < end - end % t.split; k += t.split) {
    multiply_steps<g, t>(d, a + k * g.a_k, b + k * g.b_k, acc,
                         std::make_index_sequence<t.split>{});
  }
  constexpr std::size_t whole = g.k - g.k % t.split;
  if constexpr (g.depth.varies(0)) {
    for (; k < end; ++k) {
      multiply_steps<g, t>(d, a + k * g.a_k, b + k * g.b_k, acc, std::make_index_sequence<1>{});
    }
  } else if constexpr (whole != g.k) {
    multiply_steps<g, t>(d, a + whole * g.a_k, b + whole * g.b_k, acc,
                         std::make_index_sequence<g.k - whole>{});
  }
}

template <auto chain, Tile t, std::size_t... i, class D>
HWY_INLINE void finish_tile(D d, const Position& at, const hn::Vec<D>* HWY_RESTRICT acc,
                            const float* const* sources, float* const* targets,
                            std::index_sequence<i...>) {
  constexpr std::size_t width = hn::MaxLanes(D{});
  const std::size_t(&p)[max_rank] = at.index;
  (run_chain<chain, (i % t.vectors + 1 == t.vectors ? t.tail : width)>(
       d, Position{{p[0], p[1] + i / t.vectors, p[2] + i % t.vectors * width}}, acc[i], sources,
       targets),
   ...);
}

/// The tile whose first element is `at`; a and b point at its first row and column.
template <Gemm g, Tile t, auto chain, class D>
HWY_INLINE void run_tile(D d, const float* a, const float* b, const Position& at,
                         const float* const* sources, float* const* targets) {
  constexpr std::size_t size = t.rows * t.vectors;
  hn::Vec<D> acc[size * t.split];
  set_zero(d, acc, std::make_index_sequence<size * t.split>{});
  for (std::size_t q = 0; q < g.q; ++q) {
    multiply_all<g, t>(d, a + q * g.a_q, b + q * g.b_q, acc, at.length);
  }
  fold_parts<size, t.split>(acc);
  finish_tile<chain, t>(d, at, acc, sources, targets, std::make_index_sequence<size>{});
}

/// Whether a run is over before this row or column.
template <auto chain, std::size_t axis> HWY_INLINE bool ended(const Position& at) {
  return chain.lengths.varies(axis) && at.index[axis] >= extent<chain>(at, axis);
}

template <Gemm g, Tile t, std::size_t count, auto chain, class D>
HWY_INLINE void run_rows(D d, const float* a, const float* b, Position& at,
                         const float* const* sources, float* const* targets) {
  if constexpr (count != 0) {
    for (std::size_t tile = 0; tile < count && !ended<chain, 1>(at); ++tile) {
      run_tile<g, t, chain>(d, a + at.index[1] * g.a_row, b, at, sources, targets);
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
    const float* from = b + at.index[2] * g.b_col;
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
  constexpr TileSize size = tile_size(g, vectors, tile_budget);
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
  static_assert(chain.domain == Dims{3, {gemm.outer, gemm.m, gemm.n}});
  constexpr auto product = etch::detail::normal_product(gemm, chain);
  constexpr Gemm g = product.gemm;
  const Buffers<chain> held(sources, targets);
  const std::size_t outer = extent<product.chain>(Position{.length = length}, 0);
  for (std::size_t o = 0; o < outer; ++o) {
    const Position at{{o}, length};
    const float* ao = (product.transposed ? b : a) + o * g.a_outer;
    const float* bo = (product.transposed ? a : b) + o * g.b_outer;
    if constexpr (detail::matmul_way(g) == detail::MatmulWay::dots) {
      detail::run_all_dots<g, product.chain>(ao, bo, at, held.sources, held.targets);
    } else {
      detail::run_all_panels<g, product.chain>(ao, bo, at, held.sources, held.targets, scratch);
    }
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
