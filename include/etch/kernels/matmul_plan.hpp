// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/tape/chain.hpp"
#include "etch/tape/heavy.hpp"

// Which way a matrix product of a given shape goes, decided in the compiler. Nothing here computes.

namespace etch::detail {

/// A product and its chain in the form the kernel is written for: rows merged, no single column.
template <class ChainType> struct Product {
  Gemm gemm;
  ChainType chain;
  bool transposed;  ///< the kernel's A is the caller's B and the other way round
};

/// Strides along indices that have one value only do not matter; equal work shall be equal code.
constexpr Gemm without_idle_strides(Gemm g) {
  if (g.outer == 1) g.a_outer = g.b_outer = 0;
  if (g.m == 1) g.a_row = 0;
  if (g.n == 1) g.b_col = 0;
  if (g.q == 1) g.a_q = g.b_q = 0;
  return g;
}

constexpr bool is_small(const Gemm& g) {
  return g.a_type != NumberType::f32 || g.b_type != NumberType::f32;
}

/// q and k run through memory as one long k. Pairs are of k alone.
constexpr Gemm merge_depth(Gemm g) {
  if (is_small(g)) return g;
  if (g.k == 1) {
    g.a_k = g.a_q;
    g.b_k = g.b_q;
  } else if (g.a_q != g.k * g.a_k || g.b_q != g.k * g.b_k) {
    return g;
  }
  g.k *= g.q;
  g.q = 1;
  return without_idle_strides(g);
}

constexpr bool can_merge_rows(const Gemm& g) {
  return g.outer != 1 && g.b_outer == 0 && (g.m == 1 || g.a_outer == g.m * g.a_row);
}

/// outer x m rows of A meet the same B: a batch of vectors is a matrix.
constexpr Gemm merge_rows(Gemm g) {
  if (g.m == 1) g.a_row = g.a_outer;
  g.m *= g.outer;
  g.outer = 1;
  return without_idle_strides(g);
}

/// A single column of C is a single row of its transpose, which runs through memory the same way.
constexpr Gemm transpose_column(Gemm g) {
  std::swap(g.m, g.n);
  std::swap(g.a_outer, g.b_outer);
  std::swap(g.a_row, g.b_col);
  std::swap(g.a_q, g.b_q);
  std::swap(g.a_k, g.b_k);
  std::swap(g.a_type, g.b_type);
  return g;
}

/// The chain's axes 0 and 1 run through every buffer as one axis 1.
template <class ChainType> constexpr bool can_merge_rows(const ChainType& chain) {
  if (chain.lengths.varies(1) && chain.domain[0] != 1) return false;
  for (const Link& link : chain.link) {
    const bool counts_rows = link.op == Op::iota && link.buffer < 2;
    const Array6<std::size_t>& stride = link.access.stride;
    const bool placed = link.op == Op::input || link.op == Op::random;
    const bool apart =
        placed && chain.domain[1] != 1 && stride[0] != stride[1] * chain.domain[1];
    if (counts_rows || apart) return false;
  }
  return true;
}

template <class ChainType> constexpr ChainType merge_rows(ChainType chain) {
  for (Link& link : chain.link) {
    if (chain.domain[1] == 1) link.access.stride[1] = link.access.stride[0];
    link.access.stride[0] = 0;
  }
  if (chain.lengths.varies(0)) chain.lengths.vary ^= 3;
  chain.domain.extent[1] *= chain.domain[0];
  chain.domain.extent[0] = 1;
  return chain;
}

template <class ChainType> constexpr ChainType transpose_column(ChainType chain) {
  std::swap(chain.domain.extent[1], chain.domain.extent[2]);
  std::size_t& vary = chain.lengths.vary;
  vary = (vary & 1) | (vary >> 1 & 2) | (vary << 1 & 4);
  for (Link& link : chain.link) {
    std::swap(link.access.stride[1], link.access.stride[2]);
    if (link.op == Op::iota && link.buffer != 0) link.buffer = 3 - link.buffer;
  }
  return chain;
}

template <class ChainType> constexpr void merge_rows_of(Product<ChainType>& p) {
  if (!can_merge_rows(p.gemm) || !can_merge_rows(p.chain)) return;
  p.gemm = merge_rows(p.gemm);
  p.chain = merge_rows(p.chain);
}

/// W x of each sample comes as W times a column: transposed, the samples are rows of one matrix.
template <class ChainType>
constexpr Product<ChainType> normal_product(Gemm gemm, ChainType chain) {
  Product<ChainType> p{merge_depth(without_idle_strides(gemm)), chain, false};
  merge_rows_of(p);
  if (p.gemm.n == 1 && p.gemm.m != 1) {
    p = {transpose_column(p.gemm), transpose_column(p.chain), true};
    merge_rows_of(p);
  }
  return p;
}

enum class MatmulWay { tiles, packed, dots };

/// Copying B costs as much as a few rows of A do: with fewer rows than this it does not pay.
inline constexpr std::size_t rows_worth_packing = 4;

constexpr MatmulWay matmul_way(const Gemm& g) {
  if (g.b_col == 1 && g.n != 1) return MatmulWay::tiles;  // B has contiguous rows
  const bool fixed = g.depth.vary == 0;
  if (fixed && g.m < rows_worth_packing && g.a_k == 1 && g.b_k == 1) return MatmulWay::dots;
  return g.m >= rows_worth_packing ? MatmulWay::packed : MatmulWay::tiles;
}

/// Partial sums of one element of C: a function of the shape, so that the bits are the same for
/// every vector length. About 64 floats of accumulators keep eight-lane multiply-adders busy.
constexpr std::size_t matmul_split(const Gemm& g) {
  const std::size_t elements = g.m * std::max<std::size_t>(g.n, 8);
  std::size_t split = elements >= 64 ? 1 : elements >= 32 ? 2 : elements > 8 ? 4 : 8;
  while (split > 1 && g.k < 4 * split) split /= 2;
  return split;
}

/// `total` in the fewest parts of at most `most`, as even as can be: a small last part would leave
/// the multiply-adders idle. First `high_count` parts of size `high`, then `low_count` of one less.
struct Parts {
  std::size_t high, high_count, low_count;
};

constexpr Parts even_parts(std::size_t total, std::size_t most) {
  const std::size_t count = (total + most - 1) / most;
  const std::size_t high = (total + count - 1) / count;
  const std::size_t low_count = count * high - total;
  return {high, count - low_count, low_count};
}

struct TileSize {
  std::size_t rows, vectors, split;
};

/// Panels of packed columns are at most this many floats wide: four vectors of 16.
inline constexpr std::size_t packed_vectors = 4;
inline constexpr std::size_t packed_width = 16 * packed_vectors;

/// Rows of a tile, at most `most`: an even share of all, or, if there is one not much smaller, a
/// divisor of their number, so that there is one kind of tile to compile. Short sums want as few
/// tiles as can be, for each has to start and to end.
constexpr std::size_t tile_rows(const Gemm& g, std::size_t most) {
  if (g.q * g.k >= 32) {
    for (std::size_t rows = std::min(g.m, most); 3 * rows >= 2 * most; --rows) {
      if (g.m % rows == 0) return rows;
    }
  }
  return even_parts(g.m, std::min(g.m, most)).high;
}

/// The tile for a C of `vectors` vectors a row, with `budget` accumulators: two vectors wide if
/// there are rows enough, else wider.
constexpr TileSize tile_size(const Gemm& g, std::size_t vectors, std::size_t budget) {
  const std::size_t split = matmul_split(g);
  const std::size_t most_rows =
      std::max<std::size_t>(1, budget / split / (vectors > 1 ? 2 : 1));
  const std::size_t rows = tile_rows(g, most_rows);
  const bool packed = matmul_way(g) == MatmulWay::packed;
  const std::size_t most_vectors = packed ? std::min(vectors, packed_vectors) : vectors;
  return {rows, std::clamp<std::size_t>(budget / (rows * split), 1, most_vectors), split};
}

/// The same product with B as rows of `width` contiguous floats.
constexpr Gemm packed_gemm(Gemm g, std::size_t width) {
  g.b_q = g.k * width;
  g.b_k = width;
  g.b_col = 1;
  return g;
}

// A product with small numbers (matmul_small.hpp).

constexpr std::size_t pairs_of(std::size_t k) { return (k + 1) / 2; }

/// Terms that sums of integers have at the most; longer ones go on in float. More of them would
/// leave room for fewer steps.
inline constexpr std::size_t most_integer_terms = 1024;

/// Steps on either side of zero for which a sum of so many products with 127 stays within 32 bits:
/// 16511 and more.
constexpr float largest_step(std::size_t terms) {
  const std::size_t fits = 0x7fffffff / (127 * std::min(terms, most_integer_terms));
  return static_cast<float>(std::min<std::size_t>(fits, 32767) - 1);
}

/// What one sum of integers runs through: all k of some q, or some k (an even number) of one q.
struct IntegerSum {
  std::size_t q, k;
};

constexpr IntegerSum integer_sum(const Gemm& g) {
  if (g.q * g.k <= most_integer_terms) return {g.q, g.k};
  if (g.k > most_integer_terms) return {1, most_integer_terms};
  return {most_integer_terms / g.k, g.k};
}

/// Floats for a row as integers: what a step is worth, and room for a whole register at the end.
constexpr std::size_t rounded_floats(const Gemm& g) {
  return (1 + g.q * pairs_of(g.k) + 8 + 15) / 16 * 16;
}

/// Partial sums of an element: enough multiply-adds are to be in flight. Of integers one is enough,
/// with one in float beside it if they are not all.
constexpr std::size_t small_split(const Gemm& g) {
  if (g.b_type == NumberType::i8) return g.q * g.k <= most_integer_terms ? 1 : 2;
  return g.m * g.n <= 32 && g.q * g.k >= 16 ? 4 : 2;
}

/// What is expanded of B serves a few rows; the other registers go across.
constexpr TileSize small_tile_size(const Gemm& g, std::size_t vectors, std::size_t budget) {
  const std::size_t split = small_split(g), most = std::max<std::size_t>(1, budget / split);
  const std::size_t rows = std::min<std::size_t>(g.m, most > 8 ? 4 : 2);
  return {rows, std::clamp<std::size_t>(most / rows, 1, vectors), split};
}

constexpr std::size_t packed_floats(const Gemm& g) {
  if (matmul_way(g) != MatmulWay::packed) return 0;
  return g.q * g.k * std::min((g.n + 15) / 16 * 16, packed_width);
}

/// Whether rows can be merged depends on the chain as well; here all outcomes are provided for.
constexpr std::size_t matmul_scratch(Gemm g) {
  if (g.a_type == NumberType::i8) return g.outer * g.n * rounded_floats(g);
  if (g.b_type == NumberType::i8) return g.outer * g.m * rounded_floats(g);
  g = merge_depth(without_idle_strides(g));
  std::size_t floats = 0;
  const auto add = [&](Gemm p) {
    if (p.n == 1 && p.m != 1) p = transpose_column(p);
    floats = std::max(floats, packed_floats(p));
    if (can_merge_rows(p)) floats = std::max(floats, packed_floats(merge_rows(p)));
  };
  add(g);
  if (can_merge_rows(g)) add(merge_rows(g));
  return floats;
}

}  // namespace etch::detail
