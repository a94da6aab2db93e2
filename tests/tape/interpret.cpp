// SPDX-License-Identifier: BSL-1.0
#include "etch/tape/interpret.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "by_hand.hpp"
#include "catch.hpp"

namespace {

using etch::Attributes;
using etch::Dims;
using etch::Op;
using etch::Tape;
using namespace by_hand;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

constexpr Numbers unary(Op op, const Numbers& x) {
  return evaluate(op, dims({x.size()}), {{dims({x.size()}), x}});
}

constexpr Numbers binary(Op op, const Numbers& a, const Numbers& b) {
  return evaluate(op, dims({a.size()}), {{dims({a.size()}), a}, {dims({b.size()}), b}});
}

constexpr Attributes along(std::size_t axis, std::size_t start = 0, std::size_t step = 1) {
  Attributes attr;
  attr.axis = axis;
  attr.start = start;
  attr.step = step;
  return attr;
}

constexpr Attributes reducing(std::size_t axes, bool over_batch = false) {
  Attributes attr;
  attr.axes = axes;
  attr.over_batch = over_batch;
  return attr;
}

constexpr Attributes product(bool transpose_a, bool transpose_b, bool over_batch = false) {
  Attributes attr;
  attr.transpose_a = transpose_a;
  attr.transpose_b = transpose_b;
  attr.over_batch = over_batch;
  return attr;
}

}  // namespace

TEST_CASE("elementwise ops of one argument mean what their names say") {
  const Numbers x = {-0.75, 0.5, 2};
  const auto same = [&x](Op op, auto f) {
    Numbers expected;
    for (const double v : x) expected.push_back(f(v));
    CAPTURE(etch::info(op).name);
    CHECK(near(unary(op, x), expected));
  };
  CHECK(unary(Op::neg, x) == Numbers{0.75, -0.5, -2});
  CHECK(unary(Op::abs, x) == Numbers{0.75, 0.5, 2});
  CHECK(unary(Op::relu, x) == Numbers{0, 0.5, 2});
  CHECK(unary(Op::sqrt, {0, 2.25, 4}) == Numbers{0, 1.5, 2});
  CHECK(unary(Op::rsqrt, {0.25, 4}) == Numbers{2, 0.5});
  CHECK(near(unary(Op::log, {1, 10}), {0, 2.302585092994045684}));
  same(Op::exp, [](double v) { return std::exp(v); });
  same(Op::expm1, [](double v) { return std::expm1(v); });
  same(Op::log1p, [](double v) { return std::log1p(v); });
  same(Op::sin, [](double v) { return std::sin(v); });
  same(Op::cos, [](double v) { return std::cos(v); });
  same(Op::tanh, [](double v) { return std::tanh(v); });
  same(Op::sigmoid, [](double v) { return 1 / (1 + std::exp(-v)); });
  same(Op::erf, [](double v) { return std::erf(v); });
}

TEST_CASE("elementwise ops of two and three arguments mean what their names say") {
  const Numbers a = {1, -2, 3, 0.5}, b = {2, -2, -4, 8};
  CHECK(binary(Op::add, a, b) == Numbers{3, -4, -1, 8.5});
  CHECK(binary(Op::sub, a, b) == Numbers{-1, 0, 7, -7.5});
  CHECK(binary(Op::mul, a, b) == Numbers{2, 4, -12, 4});
  CHECK(binary(Op::div, a, b) == Numbers{0.5, 1, -0.75, 0.0625});
  CHECK(binary(Op::max, a, b) == Numbers{2, -2, 3, 8});
  CHECK(binary(Op::min, a, b) == Numbers{1, -2, -4, 0.5});
  CHECK(near(binary(Op::pow, a, b), {1, 0.25, 1.0 / 81, 0.00390625}));
  CHECK(binary(Op::less, a, b) == Numbers{1, 0, 0, 1});
  CHECK(binary(Op::less_equal, a, b) == Numbers{1, 1, 0, 1});
  CHECK(binary(Op::equal, a, b) == Numbers{0, 1, 0, 0});
  const Dims four = dims({4});
  CHECK(evaluate(Op::where, four, {{four, {1, 0, -1, 0}}, {four, a}, {four, b}}) ==
        Numbers{1, -2, 3, 8});
}

TEST_CASE("a shared argument meets every sample") {
  const Dims two = dims({2});
  const Numbers each = {1, 2, 3, 4, 5, 6}, shared = {10, 20};
  CHECK(evaluate(Op::add, two, {{two, each, true}, {two, shared}}, {}, 3) ==
        Numbers{11, 22, 13, 24, 15, 26});
  CHECK(evaluate(Op::sub, two, {{two, shared}, {two, each, true}}, {}, 3) ==
        Numbers{9, 18, 7, 16, 5, 14});
  CHECK(evaluate(Op::add, two, {{two, shared}, {two, shared}}, {}, 3) == Numbers{20, 40});
  CHECK(evaluate(Op::where, two, {{two, {1, 0}}, {two, each, true}, {two, shared}}, {}, 3) ==
        Numbers{1, 20, 3, 20, 5, 20});
  CHECK(evaluate(Op::concat, dims({3}), {{two, each, true}, {dims({1}), {9}}}, along(0), 3) ==
        Numbers{1, 2, 9, 3, 4, 9, 5, 6, 9});
}

TEST_CASE("NaN is carried through at run time and in the compiler") {
  const auto carried = [] {
    const auto nan = [](const Numbers& y) { return y[0] != y[0]; };
    bool ok = true;
    for (const Op op : {Op::neg, Op::abs, Op::relu, Op::exp, Op::log, Op::tanh, Op::sigmoid}) {
      ok = ok && nan(unary(op, {not_a_number}));
    }
    for (const Op op : {Op::max, Op::min}) {
      ok = ok && nan(binary(op, {not_a_number}, {1})) && nan(binary(op, {1}, {not_a_number}));
    }
    for (const Op op : {Op::less, Op::less_equal, Op::equal}) {
      ok = ok && binary(op, {not_a_number}, {1})[0] == 0;
    }
    const Dims one = dims({});
    for (const Numbers& x : {Numbers{not_a_number, 2}, Numbers{2, not_a_number}}) {
      ok = ok && nan(evaluate(Op::max_reduce, one, {{dims({2}), x}}, reducing(1)));
    }
    return ok;
  };
  static_assert(carried());
  CHECK(carried());
  for (const Op op : {Op::softmax, Op::log_softmax}) {
    const Numbers y = evaluate(op, dims({2}), {{dims({2}), {1, not_a_number}}});
    CHECK((std::isnan(y[0]) && std::isnan(y[1])));
  }
}

TEST_CASE("leaves hold their value before the first run") {
  Tape tape;
  tape.batch = 2;
  const int c = push(tape, Op::constant, dims({3}));
  tape[c].value = 2.5;
  const int i = push(tape, Op::iota, dims({2, 3}), {-1, -1, -1}, along(1));
  const int j = push(tape, Op::iota, dims({2, 3}), {-1, -1, -1}, along(0));
  const etch::Interpreter<float> machine(tape);
  const auto copy = [&machine](int at) {
    return std::vector<float>(machine.value(at).begin(), machine.value(at).end());
  };
  CHECK(copy(c) == std::vector<float>{2.5F, 2.5F, 2.5F});
  CHECK(copy(i) == std::vector<float>{0, 1, 2, 0, 1, 2});
  CHECK(copy(j) == std::vector<float>{0, 0, 0, 1, 1, 1});
}

TEST_CASE("movement ops put the same numbers in another order") {
  const Argument x = {dims({2, 3}), {1, 2, 3, 4, 5, 6}};
  CHECK(evaluate(Op::reshape, dims({3, 2}), {x}) == x.values);
  Attributes swap;
  swap.order[0] = 1;
  CHECK(evaluate(Op::permute, dims({3, 2}), {x}, swap) == Numbers{1, 4, 2, 5, 3, 6});
  CHECK(evaluate(Op::slice, dims({2, 2}), {x}, along(1, 0, 2)) == Numbers{1, 3, 4, 6});
  CHECK(evaluate(Op::slice, dims({1, 3}), {x}, along(0, 1)) == Numbers{4, 5, 6});
  CHECK(evaluate(Op::broadcast, dims({2, 2, 3}), {x}) ==
        Numbers{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6});
  CHECK(evaluate(Op::broadcast, dims({2, 3}), {{dims({2, 1}), {7, 8}}}) ==
        Numbers{7, 7, 7, 8, 8, 8});
  CHECK(evaluate(Op::broadcast, dims({3}), {{dims({}), {7, 8}, true}}, {}, 2) ==
        Numbers{7, 7, 7, 8, 8, 8});
  CHECK(evaluate(Op::concat, dims({2, 4}), {x, {dims({2, 1}), {8, 9}}}, along(1)) ==
        Numbers{1, 2, 3, 8, 4, 5, 6, 9});
  CHECK(evaluate(Op::concat, dims({3, 3}), {{dims({1, 3}), {7, 8, 9}}, x}, along(0)) ==
        Numbers{7, 8, 9, 1, 2, 3, 4, 5, 6});
  CHECK(evaluate(Op::pad, dims({2, 6}), {x}, along(1, 1, 2)) ==
        Numbers{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6});
  CHECK(evaluate(Op::pad, dims({4}), {{dims({2}), {1, 2, 3, 4}, true}}, along(0, 1), 2) ==
        Numbers{0, 1, 2, 0, 0, 3, 4, 0});
  CHECK(evaluate(Op::detach, dims({2, 3}), {x}) == x.values);
  CHECK(evaluate(Op::append, dims({2, 3}), {x, {dims({1, 3}), {7, 8, 9}}}) ==
        Numbers{1, 2, 3, 7, 8, 9});
}

TEST_CASE("a permutation of four axes moves each element to its new index") {
  const Dims from = dims({2, 3, 4, 5});
  Attributes attr;
  const std::size_t order[] = {2, 0, 3, 1};
  for (std::size_t i = 0; i < 4; ++i) attr.order[i] = order[i];
  const Numbers x = scattered(120, 1);
  const Numbers y = evaluate(Op::permute, dims({4, 2, 5, 3}), {{from, x}}, attr);
  std::size_t at = 0;
  for (std::size_t c = 0; c < 4; ++c)
    for (std::size_t a = 0; a < 2; ++a)
      for (std::size_t d = 0; d < 5; ++d)
        for (std::size_t b = 0; b < 3; ++b) CHECK(y[at++] == x[((a * 3 + b) * 4 + c) * 5 + d]);
}

TEST_CASE("pad is the adjoint of slice") {
  const Dims whole = dims({3, 7, 2}), part = dims({3, 3, 2});
  const Attributes attr = along(1, 1, 2);
  const Numbers x = scattered(42, 2), g = scattered(18, 3);
  CHECK(near(inner(evaluate(Op::slice, part, {{whole, x}}, attr), g),
             inner(x, evaluate(Op::pad, whole, {{part, g}}, attr))));
}

TEST_CASE("reductions drop the axes they run over") {
  const Argument x = {dims({2, 3}), {1, 5, 3, 4, 2, 6}};
  CHECK(evaluate(Op::sum, dims({2}), {x}, reducing(0b10)) == Numbers{9, 12});
  CHECK(evaluate(Op::sum, dims({3}), {x}, reducing(0b01)) == Numbers{5, 7, 9});
  CHECK(evaluate(Op::sum, dims({}), {x}, reducing(0b11)) == Numbers{21});
  CHECK(evaluate(Op::max_reduce, dims({2}), {x}, reducing(0b10)) == Numbers{5, 6});
  CHECK(evaluate(Op::max_reduce, dims({3}), {x}, reducing(0b01)) == Numbers{4, 5, 6});
  CHECK(evaluate(Op::max_reduce, dims({}), {{dims({2}), {-infinity, -3}}}, reducing(1)) ==
        Numbers{-3});
  Numbers ones(24, 1);
  CHECK(evaluate(Op::sum, dims({3}), {{dims({2, 3, 4}), ones}}, reducing(0b101)) ==
        Numbers{8, 8, 8});
}

TEST_CASE("a sum may also run over the samples") {
  const Argument x = {dims({2}), {1, 2, 3, 4, 5, 6}, true};
  CHECK(evaluate(Op::sum, dims({}), {x}, reducing(1), 3) == Numbers{3, 7, 11});
  CHECK(evaluate(Op::sum, dims({2}), {x}, reducing(0, true), 3) == Numbers{9, 12});
  CHECK(evaluate(Op::sum, dims({}), {x}, reducing(1, true), 3) == Numbers{21});
  CHECK(evaluate(Op::sum, dims({}), {{dims({2}), {1, 2}}}, reducing(1, true), 3) == Numbers{9});
}

TEST_CASE("softmax and its logarithm normalise the last axis without overflow") {
  const Argument x = {dims({2, 2}), {0, std::log(3.0), 1000, 1000}};
  CHECK(near(evaluate(Op::softmax, dims({2, 2}), {x}), {0.25, 0.75, 0.5, 0.5}));
  CHECK(near(evaluate(Op::log_softmax, dims({2, 2}), {x}),
             {std::log(0.25), std::log(0.75), std::log(0.5), std::log(0.5)}));
  CHECK(evaluate(Op::softmax, dims({2}), {{dims({2}), {-infinity, 0}}}) == Numbers{0, 1});
}

TEST_CASE("matmul takes each argument plain or transposed") {
  const Numbers a = {1, 2, 3, 4, 5, 6}, a_t = {1, 4, 2, 5, 3, 6};           // [2, 3]
  const Numbers b = {1, 0, 2, 1, 1, 3, 0, 1, 0, 1, 1, 2};                    // [3, 4]
  const Numbers b_t = {1, 1, 0, 0, 3, 1, 2, 0, 1, 1, 1, 2};
  const Numbers y = {3, 9, 5, 9, 9, 21, 14, 21};
  const Dims shape = dims({2, 4});
  CHECK(evaluate(Op::matmul, shape, {{dims({2, 3}), a}, {dims({3, 4}), b}},
                 product(false, false)) == y);
  CHECK(evaluate(Op::matmul, shape, {{dims({3, 2}), a_t}, {dims({3, 4}), b}},
                 product(true, false)) == y);
  CHECK(evaluate(Op::matmul, shape, {{dims({2, 3}), a}, {dims({4, 3}), b_t}},
                 product(false, true)) == y);
  CHECK(evaluate(Op::matmul, shape, {{dims({3, 2}), a_t}, {dims({4, 3}), b_t}},
                 product(true, true)) == y);
}

TEST_CASE("matmul pairs leading axes and shares a matrix without them") {
  const Argument a = {dims({2, 1, 2}), {1, 2, 3, 4}};
  const Argument b = {dims({2, 2, 1}), {1, 1, 10, 1}};
  const Argument shared = {dims({2, 1}), {1, 10}};
  CHECK(evaluate(Op::matmul, dims({2, 1, 1}), {a, b}, {}) == Numbers{3, 34});
  CHECK(evaluate(Op::matmul, dims({2, 1, 1}), {a, shared}, {}) == Numbers{21, 43});
  const Argument row = {dims({1, 2}), {1, 10}};
  CHECK(evaluate(Op::matmul, dims({2, 1, 1}), {row, b}, {}) == Numbers{11, 20});
}

TEST_CASE("matmul mixes batched and shared arguments and may sum over the samples") {
  const Dims one = dims({1, 1});
  const Argument w = {dims({1, 2}), {1, 10}};
  const Argument x = {dims({2, 1}), {1, 2, 3, 4}, true};
  const Argument g = {dims({1, 2}), {5, 6, 7, 8}, true};
  CHECK(evaluate(Op::matmul, one, {w, x}, {}, 2) == Numbers{21, 43});
  CHECK(evaluate(Op::matmul, one, {g, x}, {}, 2) == Numbers{17, 53});
  CHECK(evaluate(Op::matmul, one, {g, x}, product(false, false, true), 2) == Numbers{70});
  CHECK(evaluate(Op::matmul, one, {w, x}, product(false, false, true), 2) == Numbers{64});
  CHECK(evaluate(Op::matmul, dims({2, 2}), {x, g}, product(false, false, true), 2) ==
        Numbers{26, 30, 38, 44});
}
