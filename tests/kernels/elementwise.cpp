// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/elementwise.hpp"

#include <algorithm>
#include <cstring>

#include "buffers.hpp"
#include "catch.hpp"

namespace {

using namespace etch;
using namespace etch::test;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

double reference(Op op, double a, double b, double c) {
  const bool nan = std::isnan(a) || std::isnan(b);
  switch (op) {
    case Op::neg: return -a;
    case Op::abs: return std::abs(a);
    case Op::exp: return std::exp(a);
    case Op::expm1: return std::expm1(a);
    case Op::log: return std::log(a);
    case Op::log1p: return std::log1p(a);
    case Op::sqrt: return std::sqrt(a);
    case Op::rsqrt: return 1 / std::sqrt(a);
    case Op::sin: return std::sin(a);
    case Op::cos: return std::cos(a);
    case Op::tanh: return std::tanh(a);
    case Op::sigmoid: return 1 / (1 + std::exp(-a));
    case Op::erf: return std::erf(a);
    case Op::relu: return a < 0 ? 0 : a;
    case Op::add: return a + b;
    case Op::sub: return a - b;
    case Op::mul: return a * b;
    case Op::div: return a / b;
    case Op::max: return nan ? nan_value : std::max(a, b);
    case Op::min: return nan ? nan_value : std::min(a, b);
    case Op::pow: return std::pow(a, b);
    case Op::less: return a < b ? 1 : 0;
    case Op::less_equal: return a <= b ? 1 : 0;
    case Op::equal: return a == b ? 1 : 0;
    case Op::where: return a != 0 ? b : c;
    default: return nan_value;
  }
}

constexpr std::size_t op_elements = 21;  // ragged for every vector length

template <Op op> constexpr Chain<4, 1> op_chain() {
  Chain<4, 1> chain;
  chain.domain = Dims{1, {op_elements}};
  const Access each = access(0, {1});
  chain.link = {input(0, each), input(1, each), input(2, each), apply(op, 0, 1, 2)};
  chain.store = {Store{3, 0}};
  return chain;
}

/// The op on ordinary numbers, with NaN and infinities among them.
template <Op op> void op_matches_reference() {
  INFO(info(op).name);
  constexpr bool positive = op == Op::log || op == Op::sqrt || op == Op::rsqrt || op == Op::pow;
  Source a(op_elements, 1, 1, 3), b(op_elements, 1, 2, 3), c(op_elements, 1, 3, 3);
  for (std::size_t i = 0; i < op_elements; ++i) {
    if (positive || op == Op::log1p) a.data()[i] = std::abs(a[i]) + 0.01f;
  }
  a.data()[3] = b.data()[4] = poison;
  a.data()[18] = a.data()[2] = 0.5f;
  b.data()[18] = 0.5f;
  if (op == Op::where) a.data()[7] = 0;
  const float* sources[] = {a.data(), b.data(), c.data()};
  Target y(op_elements, 3);
  float* targets[] = {y.data()};
  HWY_NAMESPACE::elementwise<op_chain<op>()>(sources, targets);
  for (std::size_t i = 0; i < op_elements; ++i) {
    INFO("element " << i << ": " << a[i] << ", " << b[i] << " -> " << y[i]);
    const double expected = reference(op, double{a[i]}, double{b[i]}, double{c[i]});
    CHECK(close(double{y[i]}, expected, 1e-6));
  }
  CHECK(y.written_within());
}

template <Op... op> void ops_match_reference() { (op_matches_reference<op>(), ...); }

/// Every index of a domain, with the element of a buffer that lies there.
template <class F> void for_each_position(const Dims& domain, F f) {
  for (std::size_t e = 0; e < domain.size(); ++e) {
    std::size_t index[max_rank] = {}, rest = e;
    for (std::size_t i = domain.rank; i-- > 0; rest /= domain[i]) index[i] = rest % domain[i];
    f(e, index);
  }
}

std::size_t element_at(const Access& at, const std::size_t (&index)[max_rank]) {
  std::size_t e = at.offset;
  for (std::size_t i = 0; i < max_rank; ++i) e += index[i] * at.stride[i];
  return e;
}

/// 2 x - z + the position along `axis`, once as it is and once halved.
constexpr Chain<8, 2> walk_chain(const Dims& domain, Access x, Access z, int axis) {
  Chain<8, 2> chain;
  chain.domain = domain;
  chain.link = {input(0, x),           constant(2), apply(Op::mul, 0, 1), input(1, z),
                apply(Op::sub, 2, 3), axis < 0 ? constant(0) : iota(axis),
                apply(Op::add, 4, 5), apply(Op::div, 6, 1)};
  chain.store = {Store{6, 1}, Store{7, 0}};
  return chain;
}

template <Dims domain, Access x_at, Access z_at, int axis> void walks_domain() {
  INFO("rank " << domain.rank << ", " << domain.size() << " elements, axis " << axis);
  for (const std::size_t misaligned : {0u, 1u, 2u, 3u}) {
    std::size_t last_x = 0, last_z = 0;
    for_each_position(domain, [&](std::size_t, const auto& index) {
      last_x = std::max(last_x, element_at(x_at, index));
      last_z = std::max(last_z, element_at(z_at, index));
    });
    const Source x(last_x + 1, misaligned, 7), z(last_z + 1, misaligned, 8);
    Target whole(domain.size(), misaligned), half(domain.size(), misaligned);
    const float* sources[] = {x.data(), z.data()};
    float* targets[] = {half.data(), whole.data()};
    HWY_NAMESPACE::elementwise<walk_chain(domain, x_at, z_at, axis)>(sources, targets);
    std::size_t wrong = 0;
    for_each_position(domain, [&](std::size_t e, const auto& index) {
      const float position = axis < 0 ? 0.0f : static_cast<float>(index[axis < 0 ? 0 : axis]);
      const float expected = x[element_at(x_at, index)] * 2 - z[element_at(z_at, index)] + position;
      if (whole[e] != expected || half[e] != expected / 2) ++wrong;
    });
    CHECK(wrong == 0);
    CHECK((whole.written_within() && half.written_within()));
  }
}

template <std::size_t n> void walks_vector() {
  walks_domain<Dims{1, {n}}, access(2, {1}), access(0, {0}), 0>();
}

template <double exponent> float power(float x) {
  constexpr auto make = [] {
    Chain<3, 1> c;
    c.link = {input(0, Access{}), constant(exponent), apply(Op::pow, 0, 1)};
    c.store = {Store{2, 0}};
    return c;
  };
  float y = poison;
  const float* sources[] = {&x};
  float* targets[] = {&y};
  HWY_NAMESPACE::elementwise<make()>(sources, targets);
  return y;
}

}  // namespace

TEST_CASE("every elementwise op agrees with double arithmetic, NaN included") {
  ops_match_reference<Op::neg, Op::abs, Op::exp, Op::expm1, Op::log, Op::log1p, Op::sqrt,
                      Op::rsqrt, Op::sin, Op::cos, Op::tanh, Op::sigmoid, Op::erf, Op::relu>();
  ops_match_reference<Op::add, Op::sub, Op::mul, Op::div, Op::max, Op::min, Op::pow, Op::less,
                      Op::less_equal, Op::equal, Op::where>();
}

TEST_CASE("every length and alignment is served without touching a neighbour") {
  walks_vector<1>();
  walks_vector<2>();
  walks_vector<3>();
  walks_vector<5>();
  walks_vector<8>();
  walks_vector<15>();
  walks_vector<16>();
  walks_vector<31>();
  walks_vector<33>();
}

TEST_CASE("a scalar is a domain of rank zero") {
  walks_domain<Dims{0, {}}, access(3, {}), access(0, {}), -1>();
}

TEST_CASE("broadcast, transposed and sliced accesses over any rank are walked in order") {
  walks_domain<Dims{2, {5, 9}}, access(0, {9, 1}), access(0, {0, 1}), 0>();
  walks_domain<Dims{2, {5, 9}}, access(0, {9, 1}), access(0, {1, 0}), -1>();
  walks_domain<Dims{2, {6, 7}}, access(0, {1, 6}), access(3, {21, 2}), 1>();
  walks_domain<Dims{3, {2, 1, 11}}, access(0, {11, 0, 1}), access(0, {11, 11, 1}), 1>();
  walks_domain<Dims{3, {2, 3, 4}}, access(0, {12, 4, 1}), access(0, {12, 4, 1}), 1>();
  walks_domain<Dims{4, {2, 3, 2, 5}}, access(0, {30, 10, 5, 1}), access(0, {0, 5, 0, 1}), 3>();
  walks_domain<Dims{6, {2, 1, 2, 3, 1, 9}}, access(0, {54, 0, 27, 9, 0, 1}),
               access(1, {3, 0, 6, 0, 0, 12}), 3>();
}

TEST_CASE("neighbouring axes that all accesses run through become one") {
  constexpr Dims domain{4, {2, 1, 3, 5}};
  constexpr auto merged = HWY_NAMESPACE::detail::merge_axes(
      walk_chain(domain, access(0, {15, 15, 5, 1}), access(0, {}), -1));
  static_assert(merged.domain == Dims{1, {30}});
  constexpr auto bias = HWY_NAMESPACE::detail::merge_axes(
      walk_chain(domain, access(0, {15, 0, 5, 1}), access(0, {0, 0, 0, 1}), -1));
  static_assert(bias.domain == Dims{2, {6, 5}});
  static_assert(bias.link[3].access == access(0, {0, 1}));
  SUCCEED("checked by the compiler");
}

TEST_CASE("a result may replace its argument") {
  Source x(op_elements, 1, 1), y(op_elements, 1, 2);
  std::vector<float> expected;
  for (std::size_t i = 0; i < op_elements; ++i) expected.push_back(x[i] - y[i]);
  const float* sources[] = {x.data(), y.data(), y.data()};
  float* targets[] = {x.data()};
  HWY_NAMESPACE::elementwise<op_chain<Op::sub>()>(sources, targets);
  CHECK(std::equal(expected.begin(), expected.end(), x.data()));
}

TEST_CASE("an element has the same bits in a whole vector and in a tail") {
  Source x(op_elements, 0, 1);
  std::fill_n(x.data(), op_elements, 0.73f);
  Target y(op_elements, 0);
  const float* sources[] = {x.data(), x.data(), x.data()};
  float* targets[] = {y.data()};
  HWY_NAMESPACE::elementwise<op_chain<Op::tanh>()>(sources, targets);
  for (std::size_t i = 1; i < op_elements; ++i) CHECK(y[i] == y[0]);
}

TEST_CASE("constant exponents have the exact results of their short cuts") {
  CHECK(power<2.0>(-3) == 9);
  CHECK(power<3.0>(-2) == -8);
  CHECK(power<1.0>(-2.5f) == -2.5f);
  CHECK(power<0.5>(2.25f) == 1.5f);
  CHECK(power<-0.5>(4) == Approx(0.5));
  CHECK(power<-1.0>(-4) == -0.25f);
  CHECK(power<-2.0>(-2) == 0.25f);
  CHECK(power<5.0>(-2) == Approx(-32));
}
