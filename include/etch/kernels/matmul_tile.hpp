// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_MATMUL_TILE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_MATMUL_TILE_HPP
#undef ETCH_KERNELS_MATMUL_TILE_HPP
#else
#define ETCH_KERNELS_MATMUL_TILE_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/kernels/matmul_plan.hpp"
#include "etch/tape/chain.hpp"
#include "etch/tape/heavy.hpp"

// One tile of a product: `rows` x `vectors` accumulators which live through the whole sum, so that
// C is touched once, by the chain. Per k a tile loads a few vectors of B and broadcasts a few
// elements of A:
//
//            j ->  [  b0  ][  b1  ]         acc[r][v] += A[r, k] * b[v]
//     A[0, k]      [ acc  ][ acc  ]
//     A[1, k]      [ acc  ][ acc  ]
//       ...

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

/// Accumulators that leave room for the operands: 16 registers, or 32. Machines without vectors
/// want small programs: 8 divide most layers, so that there is one kind of tile to compile.
inline constexpr std::size_t tile_budget =
    HWY_TARGET == HWY_SCALAR                           ? 8
    : HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON ? 24
                                                       : 12;

/// Of the last vector only the first `tail` lanes are columns of C, the first `readable` are in B.
struct Tile {
  std::size_t rows, vectors, split, tail, readable;
};

/// Whether a run is over before this row or column.
template <auto chain, std::size_t axis> HWY_INLINE bool ended(const Position& at) {
  return chain.lengths.varies(axis) && at.index[axis] >= extent<chain>(at, axis);
}

/// Vector v of the row of B that starts at b.
template <Gemm g, Tile t, std::size_t v, class D>
HWY_INLINE hn::Vec<D> load_b(D d, const float* b) {
  constexpr std::size_t width = hn::MaxLanes(D{});
  constexpr std::size_t across = t.vectors / g.parts;  // vectors of a part
  constexpr std::size_t count = (v + 1) % across == 0 ? t.readable : width;
  constexpr std::size_t column = v / across * (g.n / g.parts) + v % across * width;
  return load_strided<count, g.b_col>(d, b + column * g.b_col);
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

template <Gemm g, Tile t, std::size_t... quad, class D>
HWY_INLINE void multiply_quads(D d, const float* a, const float* b,
                               hn::Vec<D>* HWY_RESTRICT acc, std::index_sequence<quad...>) {
  (multiply_quad<g, t, 4 * quad>(d, a + 4 * quad, b + 4 * quad * g.b_k, acc,
                                 std::make_index_sequence<4>{}),
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
      multiply_quads<g, t>(d, a + k, b + k * g.b_k, acc, std::make_index_sequence<step / 4>{});
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
  if constexpr (HWY_TARGET == HWY_SCALAR) {  // one copy of the chain, for small programs
    const float sums[] = {hn::GetLane(acc[i])...};  // not acc, which shall stay in registers
    for (std::size_t n = 0; n < sizeof...(i); ++n) {
      run_chain<chain, 1>(d, Position{{p[0], p[1] + n / t.vectors, p[2] + n % t.vectors}},
                          hn::Set(d, sums[n]), sources, targets);
    }
  } else {
    (run_chain<chain, (i % t.vectors + 1 == t.vectors ? t.tail : width)>(
         d, Position{{p[0], p[1] + i / t.vectors, p[2] + i % t.vectors * width}}, acc[i], sources,
         targets),
     ...);
  }
}

/// `count` columns of all parts, whose accumulators are `across` apart.
template <auto chain, std::size_t count, std::size_t across, std::size_t... part, class D>
HWY_INLINE void finish_columns(D d, const Position& at, const hn::Vec<D>* HWY_RESTRICT acc,
                               const float* const* sources, float* const* targets,
                               std::index_sequence<part...>) {
  const hn::Vec<D> of_parts[sizeof...(part)] = {acc[part * across]...};
  run_chain_of_parts<chain, count>(d, at, of_parts, sources, targets);
}

/// A tile of one row and several parts.
template <Gemm g, auto chain, Tile t, std::size_t... i, class D>
HWY_INLINE void finish_parts(D d, const Position& at, const hn::Vec<D>* HWY_RESTRICT acc,
                             const float* const* sources, float* const* targets,
                             std::index_sequence<i...>) {
  constexpr std::size_t width = hn::MaxLanes(D{}), across = sizeof...(i);
  const std::size_t(&p)[max_rank] = at.index;
  (finish_columns<chain, (i + 1 == across ? t.tail : width), across>(
       d, Position{{p[0], p[1], p[2] + i * width}}, acc + i, sources, targets,
       std::make_index_sequence<g.parts>{}),
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
  if constexpr (g.parts > 1) {
    finish_parts<g, chain, t>(d, at, acc, sources, targets,
                              std::make_index_sequence<t.vectors / g.parts>{});
  } else {
    finish_tile<chain, t>(d, at, acc, sources, targets, std::make_index_sequence<size>{});
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
