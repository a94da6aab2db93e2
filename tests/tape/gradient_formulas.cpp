// SPDX-License-Identifier: BSL-1.0
// Gradients of whole formulas: how adjoints meet, second derivatives, and the Hessian.
#include <algorithm>
#include <cmath>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/sequential.hpp"
#include "etch/layers/shape.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"
#include "gradient_check.hpp"

namespace {

using namespace etch;
using by_hand::dims;
using by_hand::Feed;
using by_hand::gradient_error;
using by_hand::gradient_tape;
using by_hand::Numbers;
using by_hand::push;
using by_hand::push_leaf;
using by_hand::run;

/// Gradients, and gradients of gradients, of a formula over three samples.
template <class Layers, class S> void check_both() {
  const Tape tape = lower<Layers, S>(3);
  CHECK(gradient_error(tape) < 1e-7);
  CHECK(gradient_error(gradient_tape(tape)) < 1e-6);
  const Tape tidy = with_vector_layout(tidied(tape));
  CHECK(gradient_error(tidy) < 1e-7);
}

/// A bias in front of a product: what flows back into the bias is also what flows on.
struct Shifted {
  template <Expr X> static constexpr auto formula(X x) {
    return x + parameter<"shift", ShapeOf<X>, Zeros>;
  }
};

/// Mixes the rows of a matrix: the gradient for x is the last thing that its product writes.
struct Mix {
  template <Expr X> static constexpr auto formula(X x) {
    return tanh(matmul(parameter<"weight", Shape<2, extent_of<0>(X{})>, Ones>, x));
  }
};

/// Repeats a vector: the gradient for x is a sum.
struct Repeat {
  template <Expr X> static constexpr auto formula(X x) {
    return broadcast_to<Shape<2, size_of(X{})>>(x) * parameter<"scale", Shape<2, 1>, Ones>;
  }
};

/// The same value on both sides of a product.
struct Square {
  template <Expr X> static constexpr auto formula(X x) { return matmul(x, transpose(x)); }
};

/// Each row of x attends to all rows.
struct Attention {
  template <Expr X> static constexpr auto formula(X x) {
    const auto q = parameter<"q", Shape<3, 3>, Ones>;
    return matmul(softmax(matmul(matmul(x, q), transpose(x))), x);
  }
};

/// A value that three branches read.
struct Branches {
  template <Expr X> static constexpr auto formula(X x) {
    const auto h = tanh(x);
    return concat<0>(h * h, exp(h), slice<0, 1, 3>(h));
  }
};

}  // namespace

TEST_CASE("gradients of dense formulas and of their gradients agree with central differences") {
  check_both<Sequential<Linear<3>, Tanh, Linear<2>>, Shape<4>>();
  check_both<Sequential<Linear<3>, GELU>, Shape<2, 4>>();
  check_both<Sequential<Linear<3, Bias<false>>, Sigmoid, Softmax<>>, Shape<4>>();
  check_both<Residual<Linear<4>, SiLU, Linear<4>>, Shape<4>>();
}

TEST_CASE("gradients of normalisation and attention, and of their gradients") {
  check_both<LayerNorm<>, Shape<2, 4>>();
  check_both<LayerNorm<Shape<2, 3>>, Shape<2, 2, 3>>();
  check_both<Softmax<0>, Shape<3, 2>>();
  check_both<LogSoftmax<1>, Shape<2, 3, 2>>();
  check_both<Attention, Shape<2, 3>>();
  check_both<Square, Shape<2, 3>>();
  check_both<Branches, Shape<4>>();
}

TEST_CASE("gradients of convolutions, and of their gradients") {
  using Conv = Conv2d<2, 3, Padding<1>, Stride<2>>;
  check_both<Sequential<Conv, Tanh, AvgPool2d<2>, Flatten, Linear<2>>, Shape<1, 5, 5>>();
  check_both<Sequential<Conv2d<4, 2, Groups<2>>, ELU<>, MaxPool2d<2>>, Shape<2, 4, 4>>();
}

TEST_CASE("a gradient that flows into a bias and on into another value is not summed for both") {
  check_both<Sequential<Shifted, Linear<2>>, Shape<3>>();
  check_both<Sequential<Linear<3>, Shifted, Linear<2>>, Shape<3>>();
  check_both<Sequential<Shifted, Mix>, Shape<3, 2>>();
  check_both<Sequential<Shifted, Repeat>, Shape<3>>();
  check_both<Sequential<LayerNorm<>, Linear<2>>, Shape<4>>();
  check_both<Residual<LayerNorm<>, Linear<4>, Shifted, Linear<4>>, Shape<4>>();
}

TEST_CASE("a value wanted in the middle keeps its gradient per sample") {
  const Tape tape = lower<Sequential<Shifted, Mix>, Shape<3, 2>>(3);
  int middle = 0;
  while (tape[middle].op != Op::add) ++middle;
  const Tape slopes = gradient(tape, {middle, leaves(tape, Op::parameter)[0]});
  CHECK(slopes[slopes.outputs[0]].batched);
  CHECK_FALSE(slopes[slopes.outputs[1]].batched);
}

TEST_CASE("nothing flows: the gradient is zero, with the shape of what was asked for") {
  Tape tape;
  const int x = push_leaf(tape, Op::input, 0, dims({2}), true);
  const int unused = push_leaf(tape, Op::input, 1, dims({3}));
  tape.outputs = {push(tape, Op::exp, dims({2}), {x, -1, -1})};
  const Tape slopes = gradient(tape, {unused});
  CHECK(run(slopes, {{{1, 2}, {5, 5, 5}}, {}})[0] == Numbers{0, 0, 0});
}

TEST_CASE("the gradients of a parameter are summed over the samples") {
  Tape tape = lower<Linear<1>, Shape<2>>(2);
  const Tape slopes = gradient(tape, leaves(tape, Op::parameter));
  const auto g = run(slopes, {{{1, 2, 10, 20}}, {{0, 0}, {0}}});
  CHECK(g[0] == Numbers{11, 22});
  CHECK(g[1] == Numbers{2});
}

TEST_CASE("a shared value in a batched op collects an unbatched gradient once per sample") {
  Tape tape;
  tape.batch = 4;
  const int x = push_leaf(tape, Op::input, 0, dims({2}), true);
  const int p = push_leaf(tape, Op::parameter, 0, dims({2}));
  tape.parameters.resize(1);
  const int sum = push(tape, Op::add, dims({2}), {x, p, -1});
  tape.outputs = {push(tape, Op::sum, dims({}), {sum, -1, -1}, {.axes = 1, .over_batch = true})};
  const Tape slopes = gradient(tape, {p});
  CHECK(run(slopes, {{Numbers(8, 1)}, {{0, 0}}})[0] == Numbers{4, 4});
}

namespace {

/// f = sum over samples of a small network that ends in a number; its Hessian for all parameters.
struct Scalar {
  template <Expr X> static constexpr auto formula(X) {
    return sum(Piped<X, Linear<2>, Tanh, Linear<2>, LogSoftmax<>>{} * constant<0.5>);
  }
};

std::vector<Numbers> hessian() {
  Tape first = lower<Scalar, Shape<2>>(3);
  first = gradient(first, leaves(first, Op::parameter));
  const std::vector<int> slopes = first.outputs;
  std::vector<Numbers> rows;
  for (const int slope : slopes) {
    for (std::size_t i = 0; i < first[slope].shape.size(); ++i) {
      Tape second = first;
      Numbers unit(first[slope].shape.size(), 0);
      unit[i] = 1;
      const int seed = push_leaf(second, Op::input, 1, first[slope].shape);
      second.outputs = differentiate(second, {slope}, {seed}, leaves(second, Op::parameter));
      Feed feed = by_hand::feed_for(second);
      feed.inputs[1] = unit;
      Numbers row;
      for (const Numbers& part : run(second, feed)) row.insert(row.end(), part.begin(), part.end());
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("the Hessian, a gradient of each component of the gradient, is symmetric") {
  const std::vector<Numbers> h = hessian();
  REQUIRE(h.size() == 12);
  double largest = 0;
  for (std::size_t i = 0; i < h.size(); ++i) {
    REQUIRE(h[i].size() == h.size());
    for (std::size_t j = 0; j < i; ++j) {
      CHECK(h[i][j] == Approx(h[j][i]).margin(1e-13));
      largest = std::max(largest, std::abs(h[i][j]));
    }
  }
  CHECK(largest > 0.01);
}

namespace {

/// d/dx and d2/dx2 of x^3 at 2, in the compiler.
constexpr bool derivatives_of_a_cube_are_right() {
  Tape tape;
  const int x = push_leaf(tape, Op::input, 0, dims({}));
  const Value v{&tape, x};
  tape.outputs = {(v * v * v).id};
  const Tape first = gradient(tape, {x});
  const Tape second = gradient(first, {x});
  return interpret<double>(first, {{2}}, {})[0][0] == 12 &&
         interpret<double>(second, {{2}}, {})[0][0] == 12 &&
         interpret<double>(gradient(second, {x}), {{2}}, {})[0][0] == 6;
}
static_assert(derivatives_of_a_cube_are_right());

}  // namespace

TEST_CASE("the third derivative of a cube is 6, in the compiler and at run time") {
  CHECK(derivatives_of_a_cube_are_right());
}
