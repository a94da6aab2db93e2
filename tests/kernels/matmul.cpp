// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/matmul.hpp"

#include <algorithm>
#include <cstring>

#include "buffers.hpp"
#include "catch.hpp"

namespace {

using namespace etch;
using namespace etch::test;

constexpr Chain<1, 1> plain_chain(const Gemm& g) {
  Chain<1, 1> chain;
  chain.domain = Dims{3, {g.outer, g.m, g.n}};
  chain.link = {accumulator()};
  chain.store = {Store{0, 0}};
  return chain;
}

/// Target 0: the product; target 1: relu(product + column[j]) * row[o, i] + full[o, i, j] + j, and
/// + i where asked for: that keeps the rows of different samples from being merged.
constexpr Chain<12, 2> busy_chain(const Gemm& g, bool counts_rows) {
  Chain<12, 2> chain;
  chain.domain = Dims{3, {g.outer, g.m, g.n}};
  chain.link = {accumulator(),
                input(0, access(0, {0, 0, 1})),
                apply(Op::add, 0, 1),
                apply(Op::relu, 2),
                input(1, access(0, {g.m, 1, 0})),
                apply(Op::mul, 3, 4),
                input(2, access(0, {g.m * g.n, g.n, 1})),
                apply(Op::add, 5, 6),
                iota(2),
                apply(Op::add, 7, 8),
                counts_rows ? iota(1) : constant(0),
                apply(Op::add, 9, 10)};
  chain.store = {Store{0, 0}, Store{11, 1}};
  return chain;
}

struct Operands {
  Source a, b, column, row, full;
  std::vector<double> product, magnitude;
};

/// Elements of a buffer that is read with these extents and strides.
std::size_t reach(std::initializer_list<std::pair<std::size_t, std::size_t>> axes) {
  std::size_t last = 0;
  for (const auto& [extent, stride] : axes) last += (extent - 1) * stride;
  return last + 1;
}

Operands make_operands(const Gemm& g, std::size_t misaligned) {
  const std::size_t size = g.outer * g.m * g.n;
  Operands x{{reach({{g.outer, g.a_outer}, {g.m, g.a_row}, {g.q, g.a_q}, {g.k, g.a_k}}),
              misaligned, 1},
             {reach({{g.outer, g.b_outer}, {g.n, g.b_col}, {g.q, g.b_q}, {g.k, g.b_k}}),
              misaligned, 2},
             {g.n, misaligned, 3},
             {g.outer * g.m, misaligned, 4},
             {size, misaligned, 5},
             {},
             {}};
  for (std::size_t e = 0; e < size; ++e) {
    const std::size_t o = e / (g.m * g.n), i = e / g.n % g.m, j = e % g.n;
    double sum = 0, magnitude = 0;
    for (std::size_t q = 0; q < g.q; ++q) {
      for (std::size_t k = 0; k < g.k; ++k) {
        const double term = double{x.a[o * g.a_outer + i * g.a_row + q * g.a_q + k * g.a_k]} *
                            double{x.b[o * g.b_outer + j * g.b_col + q * g.b_q + k * g.b_k]};
        sum += term;
        magnitude += std::abs(term);
      }
    }
    x.product.push_back(sum);
    x.magnitude.push_back(magnitude);
  }
  return x;
}

template <Gemm g> void matches_reference(std::size_t misaligned) {
  INFO(g.outer << " x " << g.m << " x " << g.n << ", depth " << g.q << " x " << g.k);
  Operands x = make_operands(g, misaligned);
  std::vector<float> scratch(HWY_NAMESPACE::matmul_scratch(g), poison);
  const std::size_t size = x.product.size();
  Target plain(size, misaligned), product(size, misaligned), result(size, misaligned);
  float* plain_target[] = {plain.data()};
  HWY_NAMESPACE::matmul<g, plain_chain(g)>(x.a.data(), x.b.data(), nullptr, plain_target,
                                           scratch.data());
  std::fill(scratch.begin(), scratch.end(), poison);
  const float* sources[] = {x.column.data(), x.row.data(), x.full.data()};
  float* targets[] = {product.data(), result.data()};
  constexpr bool counts_rows = g.m > 1;
  HWY_NAMESPACE::matmul<g, busy_chain(g, counts_rows)>(x.a.data(), x.b.data(), sources, targets,
                                                       scratch.data());
  std::size_t wrong = 0;
  for (std::size_t e = 0; e < size; ++e) {
    const std::size_t row = e / g.n, i = row % g.m, j = e % g.n;
    const double bound = 1e-6 * x.magnitude[e] + 1e-7;
    const double active = std::max(x.product[e] + double{x.column[j]}, 0.0);
    const double busy = active * double{x.row[row]} + double{x.full[e]} +
                        static_cast<double>(j + (counts_rows ? i : 0));
    const bool right = std::abs(double{plain[e]} - x.product[e]) <= bound &&
                       std::abs(double{product[e]} - x.product[e]) <= bound &&
                       std::abs(double{result[e]} - busy) <= bound + 1e-6 * (1 + std::abs(busy));
    if (!right) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK((plain.written_within() && product.written_within() && result.written_within()));
}

/// A [m, k] times B [k, n], all row-major.
constexpr Gemm rows(std::size_t m, std::size_t n, std::size_t k) {
  Gemm g;
  g.m = m, g.n = n, g.k = k;
  g.a_row = k, g.a_k = 1, g.b_k = n, g.b_col = 1;
  return g;
}

/// B stored [n, k].
constexpr Gemm columns(std::size_t m, std::size_t n, std::size_t k) {
  Gemm g = rows(m, n, k);
  g.b_k = 1, g.b_col = k;
  return g;
}

/// A stored [k, m].
constexpr Gemm gradient(std::size_t m, std::size_t n, std::size_t k) {
  Gemm g = rows(m, n, k);
  g.a_row = 1, g.a_k = m;
  return g;
}

/// The same for each of `outer` samples; B is theirs or shared.
constexpr Gemm batch(std::size_t outer, Gemm g, bool shared_b) {
  g.outer = outer;
  g.a_outer = g.m * g.k;
  g.b_outer = shared_b ? 0 : g.n * g.k;
  return g;
}

template <Gemm... g> void all_match(std::size_t misaligned) {
  (matches_reference<g>(misaligned), ...);
}

}  // namespace

TEST_CASE("a vector times a matrix agrees with a sum in double") {
  const std::size_t misaligned = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{3});
  all_match<rows(1, 1, 1), rows(1, 2, 5), rows(1, 4, 64), rows(1, 7, 33), rows(1, 10, 120),
            rows(1, 33, 3), rows(1, 64, 16), rows(1, 129, 17), rows(1, 128, 784)>(misaligned);
}

TEST_CASE("a matrix times a matrix agrees with a sum in double") {
  const std::size_t misaligned = GENERATE(std::size_t{0}, std::size_t{2});
  all_match<rows(2, 3, 4), rows(3, 17, 5), rows(7, 16, 1), rows(5, 1, 9), rows(13, 31, 20),
            rows(8, 4, 64), rows(32, 34, 70), rows(61, 67, 65)>(misaligned);
}

TEST_CASE("a transposed right side agrees with a sum in double") {
  const std::size_t misaligned = GENERATE(std::size_t{0}, std::size_t{1});
  all_match<columns(1, 1, 40), columns(1, 5, 16), columns(3, 9, 47), columns(2, 4, 3),
            columns(4, 3, 6), columns(9, 35, 30), columns(12, 64, 13)>(misaligned);
}

TEST_CASE("a transposed left side agrees with a sum in double") {
  all_match<gradient(16, 10, 8), gradient(1, 9, 5), gradient(3, 1, 21), gradient(27, 19, 32)>(1);
}

TEST_CASE("a batch agrees with a sum in double, with a shared right side or not") {
  all_match<batch(5, rows(1, 12, 9), true), batch(3, rows(4, 9, 6), true),
            batch(3, rows(4, 9, 6), false), batch(2, columns(5, 8, 7), false),
            batch(6, columns(1, 1, 19), false), batch(4, rows(3, 1, 18), true)>(3);
}

TEST_CASE("unusual strides agree with a sum in double") {
  constexpr Gemm two_level{2, 3, 10, 4, 5, 100, 7, 21, 1, 400, 100, 20, 2};
  constexpr Gemm summed_over_samples{1, 6, 9, 4, 3, 0, 1, 18, 6, 0, 27, 9, 1};
  constexpr Gemm long_depth{1, 4, 8, 3, 5, 0, 15, 5, 1, 0, 40, 8, 1};
  constexpr Gemm broadcast_b{1, 5, 6, 1, 4, 0, 4, 0, 1, 0, 0, 1, 0};
  constexpr Gemm broadcast_a{1, 5, 6, 1, 4, 0, 0, 0, 1, 0, 0, 6, 1};
  constexpr Gemm scattered_row{1, 1, 11, 1, 6, 0, 0, 0, 3, 0, 0, 40, 3};
  constexpr Gemm dots_in_parts{1, 2, 6, 3, 18, 0, 60, 20, 1, 0, 18, 1, 54};
  all_match<two_level, summed_over_samples, long_depth, broadcast_b, broadcast_a, scattered_row,
            dots_in_parts>(0);
}

TEST_CASE("equal rows and columns give equal bits wherever they lie in the product") {
  constexpr Gemm g = rows(29, 43, 70);
  Source a(29 * 70, 1, 1), b(70 * 43, 1, 2);
  for (std::size_t e = 0; e < 29 * 70; ++e) a.data()[e] = a[e % 70];
  for (std::size_t e = 0; e < 70 * 43; ++e) b.data()[e] = b[e / 43 * 43];
  Target c(29 * 43, 1);
  float* target[] = {c.data()};
  std::vector<float> scratch(HWY_NAMESPACE::matmul_scratch(g), poison);
  HWY_NAMESPACE::matmul<g, plain_chain(g)>(a.data(), b.data(), nullptr, target, scratch.data());
  std::size_t different = 0;
  for (std::size_t e = 0; e < 29 * 43; ++e) {
    if (std::memcmp(c.data(), c.data() + e, sizeof(float)) != 0) ++different;
  }
  CHECK(different == 0);
}
