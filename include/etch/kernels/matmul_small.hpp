// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_MATMUL_SMALL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_MATMUL_SMALL_HPP
#undef ETCH_KERNELS_MATMUL_SMALL_HPP
#else
#define ETCH_KERNELS_MATMUL_SMALL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/kernels/matmul_plan.hpp"
#include "etch/kernels/matmul_tile.hpp"
#include "etch/kernels/small_numbers.hpp"
#include "etch/tape/heavy.hpp"

// Products with a B of small numbers, which lie in pairs of k: [k / 2, n, 2], or [k / 2, q, n, 2].
// A 32-bit lane holds both numbers of its column.
//
//   bf16   each half becomes a float by a shift or a mask; sums of even and of odd k are separate,
//          of four where C is small
//   int8   a row of A is rounded to 16-bit integers, in steps of 1/16511 of its largest element or
//          finer, as many as leave no sum of 1024 products beyond 32 bits. Those sums are exact, so
//          their order does not matter; longer ones are made of them in float. NaN or infinity in
//          a row of A makes its results NaN

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

using etch::detail::integer_sum;
using etch::detail::IntegerSum;
using etch::detail::largest_step;
using etch::detail::pairs_of;
using etch::detail::rounded_floats;

HWY_INLINE const unsigned char* bytes_at(const float* data, std::size_t byte) {
  return reinterpret_cast<const unsigned char*>(data) + byte;
}

// --- bf16 ---

/// A register of even k times one of odd k, for the rows of a tile.
template <Gemm g, std::size_t vectors, std::size_t... r, class D, class V>
HWY_INLINE void add_bf16_column(D, const float* a, V even, V odd, V* HWY_RESTRICT evens,
                                V* HWY_RESTRICT odds, std::index_sequence<r...>) {
  const D d;
  ((evens[r * vectors] = hn::MulAdd(hn::Set(d, a[r * g.a_row]), even, evens[r * vectors])), ...);
  ((odds[r * vectors] =
        hn::MulAdd(hn::Set(d, a[r * g.a_row + g.a_k]), odd, odds[r * vectors])), ...);
}

/// One pair of k; b points at its first column of the tile.
template <Gemm g, Tile t, std::size_t... v, class D>
HWY_INLINE void add_bf16_pair(D d, const float* a, const unsigned char* b,
                              hn::Vec<D>* HWY_RESTRICT evens, hn::Vec<D>* HWY_RESTRICT odds,
                              std::index_sequence<v...>) {
  constexpr std::size_t width = hn::MaxLanes(D{});
  const hn::Rebind<std::uint32_t, D> d32;
  const auto upper = hn::Set(d32, 0xffff0000u);
  const auto one = [&]<std::size_t i>(std::integral_constant<std::size_t, i>) HWY_ATTR {
    const auto both =
        in_register(load_bf16_pairs<(i + 1 == t.vectors ? t.tail : width)>(d, b + i * width * 4));
    add_bf16_column<g, t.vectors>(d, a, hn::BitCast(d, hn::ShiftLeft<16>(both)),
                                  hn::BitCast(d, hn::And(both, upper)), evens + i, odds + i,
                                  std::make_index_sequence<t.rows>{});
  };
  (one(std::integral_constant<std::size_t, v>{}), ...);
}

/// `count` pairs of k, each with two sums of its own.
template <Gemm g, Tile t, std::size_t... pair, class D>
HWY_INLINE void add_bf16_pairs(D d, const float* a, const unsigned char* b,
                               hn::Vec<D>* HWY_RESTRICT acc, std::index_sequence<pair...>) {
  constexpr std::size_t size = t.rows * t.vectors;
  (add_bf16_pair<g, t>(d, a + 2 * pair * g.a_k, b + pair * g.b_k * 4, acc + 2 * pair * size,
                       acc + (2 * pair + 1) * size, std::make_index_sequence<t.vectors>{}),
   ...);
}

/// The last k of an odd number: its column of A, the other one being zero.
template <Gemm g, Tile t, class D>
HWY_INLINE void add_bf16_single(D d, const float* a, const unsigned char* b,
                                hn::Vec<D>* HWY_RESTRICT acc) {
  constexpr Gemm column = [] {
    Gemm one = g;
    one.a_row = 2;
    one.a_k = 1;
    return one;
  }();
  float pair[2 * t.rows] = {};
  for (std::size_t r = 0; r < t.rows; ++r) pair[2 * r] = a[r * g.a_row];
  add_bf16_pairs<column, t>(d, pair, b, acc, std::make_index_sequence<1>{});
}

/// All k of one q.
template <Gemm g, Tile t, class D>
HWY_INLINE void add_bf16_depth(D d, const float* a, const unsigned char* b,
                               hn::Vec<D>* HWY_RESTRICT acc) {
  constexpr std::size_t step = t.split / 2, pairs = g.k / 2, rest = pairs % step;
  const auto add = [&](std::size_t pair, auto count) HWY_ATTR {
    add_bf16_pairs<g, t>(d, a + 2 * pair * g.a_k, b + pair * g.b_k * 4, acc,
                         std::make_index_sequence<count()>{});
  };
  for (std::size_t pair = 0; pair < pairs - rest; pair += step) {
    add(pair, std::integral_constant<std::size_t, step>{});
  }
  if constexpr (rest != 0) add(pairs - rest, std::integral_constant<std::size_t, rest>{});
  if constexpr (g.k % 2 != 0) {
    add_bf16_single<g, t>(d, a + 2 * pairs * g.a_k, b + pairs * g.b_k * 4, acc);
  }
}

template <Gemm g, Tile t, auto chain, class D>
HWY_INLINE void run_bf16_tile(D d, const float* a, const unsigned char* b, const Position& at,
                              const float* const* sources, float* const* targets) {
  constexpr std::size_t size = t.rows * t.vectors;
  hn::Vec<D> acc[size * t.split];
  set_zero(d, acc, std::make_index_sequence<size * t.split>{});
  for (std::size_t q = 0; q < g.q; ++q) {
    add_bf16_depth<g, t>(d, a + q * g.a_q, b + q * g.b_q * 4, acc);
  }
  fold_parts<size, t.split>(acc);
  finish_tile<chain, t>(d, at, acc, sources, targets, std::make_index_sequence<size>{});
}

// --- int8 ---

/// f(q, k, v) for vectors v of a row of A from element (q, k) on, zeros behind the last k.
template <Gemm g, class F> HWY_INLINE void for_each_vector(const float* a, const F& f) {
  const FloatTag d;
  constexpr std::size_t rest = g.k % lanes;
  for (std::size_t q = 0; q < g.q; ++q, a += g.a_q) {
    for (std::size_t k = 0; k < g.k - rest; k += lanes) {
      f(q, k, load_strided<lanes, g.a_k>(d, a + k * g.a_k));
    }
    if constexpr (rest != 0) {
      const auto v = load_strided<rest, g.a_k>(d, a + (g.k - rest) * g.a_k);
      f(q, g.k - rest, hn::IfThenElseZero(hn::FirstN(d, rest), v));
    }
  }
}

/// A row of A as integers: what one step is worth, then for each q pairs of 16-bit numbers of them.
template <Gemm g> HWY_INLINE void round_row(const float* a, float* HWY_RESTRICT to) {
  const FloatTag d;
  const hn::Rebind<std::int32_t, FloatTag> d32;
  const hn::Rebind<std::int16_t, FloatTag> d16;
  hn::Vec<FloatTag> most = hn::Zero(d), bad = hn::Zero(d);
  for_each_vector<g>(a, [&](std::size_t, std::size_t, hn::Vec<FloatTag> v) HWY_ATTR {
    most = hn::Max(most, hn::Abs(v));
    bad = hn::Add(bad, hn::Sub(v, v));  // NaN if v is not finite
  });
  const auto largest = hn::MaxOfLanes(d, most), steps = hn::Set(d, largest_step(g.q * g.k));
  // No branches, for all inputs are to take the same time. Below this a step would be denormal.
  const auto normal = hn::Gt(largest, hn::Set(d, 1e-30f));
  const auto step = hn::IfThenElseZero(normal, hn::Div(largest, steps));
  *to = hn::GetLane(hn::Add(step, hn::SumOfLanes(d, bad)));
  const auto inverse = hn::IfThenElseZero(normal, hn::Div(steps, largest));
  // No room for a fraction is left beside it: the sum is the nearest integer, halves to even.
  const auto magic = hn::Set(d, 12582912.0f);
  auto* integers = reinterpret_cast<unsigned char*>(to + 1);
  // Lanes behind the last k are written before the next q is.
  for_each_vector<g>(a, [&](std::size_t q, std::size_t k, hn::Vec<FloatTag> v) HWY_ATTR {
    const auto shifted = hn::Add(hn::Mul(v, inverse), magic);
    const auto number = hn::Sub(hn::BitCast(d32, shifted), hn::BitCast(d32, magic));
    HWY_ALIGN std::int16_t rounded[lanes];
    hn::Store(hn::DemoteTo(d16, number), d16, rounded);
    unsigned char* const place = integers + 4 * q * pairs_of(g.k) + 2 * k;
    std::memcpy(place, rounded, sizeof rounded);
    if constexpr (lanes == 1) std::memset(place + 2, 0, 2);  // the other of its pair
  });
}

template <Gemm g, Tile t, std::size_t... r, class D, class V>
HWY_INLINE void add_int8_column(D d, const unsigned char* const* rows, std::size_t pair, V w,
                                hn::Vec<D>* HWY_RESTRICT acc, std::index_sequence<r...>) {
  const hn::Repartition<std::int16_t, D> d16;
  const auto broadcast = [&](const unsigned char* row) HWY_ATTR {
    std::int32_t both;
    std::memcpy(&both, row + 4 * pair, 4);
    return hn::BitCast(d16, hn::Set(d, both));
  };
  ((acc[r * t.vectors] = add_pair_products(d, w, broadcast(rows[r]), acc[r * t.vectors])), ...);
}

template <Gemm g, Tile t, std::size_t... v, class D>
HWY_INLINE void add_int8_pair(D d, const unsigned char* const* rows, std::size_t pair,
                              const unsigned char* b, hn::Vec<D>* HWY_RESTRICT acc,
                              std::index_sequence<v...>) {
  constexpr std::size_t width = hn::MaxLanes(D{});
  (add_int8_column<g, t>(
       d, rows, pair,
       load_int8_pairs<(v + 1 == t.vectors ? t.tail : width)>(d, b + v * width * 2), acc + v,
       std::make_index_sequence<t.rows>{}),
   ...);
}

/// One sum of integers, from (q, k) on.
template <Gemm g, Tile t, class D>
HWY_INLINE void add_int8_pairs(D d, const unsigned char* const* rows, const unsigned char* b,
                               std::size_t q, std::size_t first, hn::Vec<D>* HWY_RESTRICT sums) {
  constexpr IntegerSum sum = integer_sum(g);
  const std::size_t q_end = std::min(q + sum.q, g.q), k_end = std::min(first + sum.k, g.k);
  for (; q < q_end; ++q) {
    std::size_t pair = q * pairs_of(g.k) + first / 2;
    const unsigned char* of_pair = b + (q * g.b_q + first / 2 * g.b_k) * 2;
    for (std::size_t k = first; k < k_end; k += 2, ++pair, of_pair += g.b_k * 2) {
      add_int8_pair<g, t>(d, rows, pair, of_pair, sums, std::make_index_sequence<t.vectors>{});
    }
  }
}

/// acc += sums; if they are the only ones, acc = sums.
template <bool only, std::size_t... i, class D, class V>
HWY_INLINE void add_as_floats(D d, const V* HWY_RESTRICT sums, hn::Vec<D>* HWY_RESTRICT acc,
                              std::index_sequence<i...>) {
  if constexpr (only) ((acc[i] = hn::ConvertTo(d, sums[i])), ...);
  else ((acc[i] = hn::Add(acc[i], hn::ConvertTo(d, sums[i]))), ...);
}

template <Tile t, std::size_t... i, class D>
HWY_INLINE void scale_rows(D d, const float* const* rows, hn::Vec<D>* HWY_RESTRICT acc,
                           std::index_sequence<i...>) {
  ((acc[i] = hn::Mul(acc[i], hn::Set(d, *rows[i / t.vectors]))), ...);
}

template <Gemm g, Tile t, auto chain, class D>
HWY_INLINE void run_int8_tile(D d, const float* rounded, const unsigned char* b,
                              const Position& at, const float* const* sources,
                              float* const* targets) {
  constexpr std::size_t size = t.rows * t.vectors;
  constexpr IntegerSum sum = integer_sum(g);
  constexpr bool only = sum.q == g.q && sum.k == g.k;
  const hn::Rebind<std::int32_t, D> d32;
  const float* rows[t.rows];
  const unsigned char* integers[t.rows];
  for (std::size_t r = 0; r < t.rows; ++r) {
    rows[r] = rounded + r * rounded_floats(g);
    integers[r] = bytes_at(rows[r], 4);
  }
  hn::Vec<D> acc[size];
  set_zero(d, acc, std::make_index_sequence<size>{});
  for (std::size_t q = 0; q < g.q; q += sum.q) {
    for (std::size_t k = 0; k < g.k; k += sum.k) {
      hn::Vec<decltype(d32)> sums[size];
      set_zero(d32, sums, std::make_index_sequence<size>{});
      add_int8_pairs<g, t>(d32, integers, b, q, k, sums);
      add_as_floats<only>(d, sums, acc, std::make_index_sequence<size>{});
    }
  }
  scale_rows<t>(d, rows, acc, std::make_index_sequence<size>{});
  finish_tile<chain, t>(d, at, acc, sources, targets, std::make_index_sequence<size>{});
}

/// One sum of integers of one element of C, from (q, k) on, for HWY_SCALAR, which has no lanes to
/// hold pairs in.
template <Gemm g>
HWY_INLINE float int8_sum(const float* rounded, const unsigned char* b, std::size_t q,
                          std::size_t first) {
  constexpr IntegerSum sum = integer_sum(g);
  const std::size_t q_end = std::min(q + sum.q, g.q), k_end = std::min(first + sum.k, g.k);
  std::uint32_t total = 0;  // of rows with NaN it may go round
  for (; q < q_end; ++q) {
    for (std::size_t k = first; k < k_end; ++k) {
      std::int16_t x;
      std::int8_t w;
      std::memcpy(&x, bytes_at(rounded, 4 + 4 * q * pairs_of(g.k) + 2 * k), 2);
      std::memcpy(&w, b + (k / 2 * g.b_k + q * g.b_q) * 2 + k % 2, 1);
      total += static_cast<std::uint32_t>(x * w);
    }
  }
  return static_cast<float>(static_cast<std::int32_t>(total));
}

template <Gemm g>
HWY_INLINE float int8_element(const float* rounded, const unsigned char* b) {
  constexpr IntegerSum sum = integer_sum(g);
  float total = 0;
  for (std::size_t q = 0; q < g.q; q += sum.q) {
    for (std::size_t k = 0; k < g.k; k += sum.k) total += int8_sum<g>(rounded, b, q, k);
  }
  return total * *rounded;
}

template <Gemm g, Tile t, auto chain, class D>
HWY_INLINE void run_int8_elements(D d, const float* rounded, const unsigned char* b, Position at,
                                  const float* const* sources, float* const* targets) {
  const std::size_t first = at.index[2];
  for (std::size_t r = 0; r < t.rows; ++r, ++at.index[1]) {
    for (std::size_t column = 0; column < t.vectors; ++column) {
      at.index[2] = first + column;
      const float y = int8_element<g>(rounded + r * rounded_floats(g), b + 2 * column);
      run_chain<chain, 1>(d, at, hn::Set(d, y), sources, targets);
    }
  }
}

// --- for either ---

/// The rows of A as the tiles want them: itself, or for int8 rounded in scratch.
template <Gemm g>
HWY_INLINE const float* small_rows(const float* a, std::size_t rows, float* scratch) {
  if constexpr (g.b_type != NumberType::i8) return a;
  for (std::size_t i = 0; i < rows; ++i) {
    round_row<g>(a + i * g.a_row, scratch + i * rounded_floats(g));
  }
  return scratch;
}

/// The tile whose first element is `at`; a and b are the first rows of all.
template <Gemm g, Tile t, auto chain, class D>
HWY_INLINE void run_small_tile(D d, const float* a, const float* b, const Position& at,
                               const float* const* sources, float* const* targets) {
  static_assert(g.b_col == 1 && g.b_outer == 0 && g.depth.vary == 0,
                "etch: small numbers are the matrix of a product with vectors");
  const unsigned char* const from = bytes_at(b, at.index[2] * 2 * bytes_of(g.b_type));
  if constexpr (g.b_type == NumberType::b16) {
    run_bf16_tile<g, t, chain>(d, a + at.index[1] * g.a_row, from, at, sources, targets);
  } else {
    const float* const rounded = a + at.index[1] * rounded_floats(g);
    if constexpr (lanes != 1) run_int8_tile<g, t, chain>(d, rounded, from, at, sources, targets);
    else run_int8_elements<g, t, chain>(d, rounded, from, at, sources, targets);
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
