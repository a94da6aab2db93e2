// SPDX-License-Identifier: BSL-1.0
// The derivative of every op, and the derivative of that, with every mix of shared and batched
// arguments.
#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "gradient_check.hpp"

namespace {

using etch::Attributes;
using etch::Dims;
using etch::Op;
using etch::Tape;
using namespace by_hand;

/// An op with arguments that it is defined, and smooth, on.
struct Row {
  Op op;
  std::vector<Dims> arguments;
  Dims result;
  Attributes attr = {};
  double low = -1, high = 1;
};

Row plain(Op op, std::size_t arity, double low = -1, double high = 1) {
  return {op, std::vector<Dims>(arity, dims({2, 3})), dims({2, 3}), {}, low, high};
}

std::vector<Row> elementwise_rows() {
  std::vector<Row> rows;
  for (const Op op : {Op::neg, Op::abs, Op::exp, Op::expm1, Op::sin, Op::cos, Op::tanh, Op::sigmoid,
                      Op::erf, Op::relu}) {
    rows.push_back(plain(op, 1));
  }
  for (const Op op : {Op::log, Op::log1p, Op::sqrt, Op::rsqrt}) {
    rows.push_back(plain(op, 1, 0.5, 2));
  }
  for (const Op op : {Op::add, Op::sub, Op::mul, Op::max, Op::min, Op::less, Op::less_equal,
                      Op::equal}) {
    rows.push_back(plain(op, 2));
  }
  for (const Op op : {Op::div, Op::pow}) rows.push_back(plain(op, 2, 0.5, 2));
  rows.push_back(plain(Op::where, 3));
  return rows;
}

Attributes ordered(std::size_t a, std::size_t b, std::size_t c) {
  Attributes attr;
  attr.order[0] = a;
  attr.order[1] = b;
  attr.order[2] = c;
  return attr;
}

std::vector<Row> movement_rows() {
  return {
      {Op::reshape, {dims({2, 3})}, dims({3, 1, 2})},
      {Op::permute, {dims({2, 3, 4})}, dims({4, 2, 3}), ordered(2, 0, 1)},
      {Op::slice, {dims({2, 5})}, dims({2, 2}), {.axis = 1, .start = 1, .step = 2}},
      {Op::broadcast, {dims({3, 1})}, dims({2, 3, 4})},
      {Op::broadcast, {dims({})}, dims({2, 2})},
      {Op::broadcast, {dims({1, 1})}, dims({1, 3})},
      {Op::concat, {dims({2, 3}), dims({2, 2})}, dims({2, 5}), {.axis = 1}},
      {Op::pad, {dims({2, 2})}, dims({2, 6}), {.axis = 1, .start = 1, .step = 3}},
      {Op::append, {dims({4, 2}), dims({1, 2})}, dims({4, 2})},
      {Op::embedding, {dims({3, 2}), dims({4})}, dims({4, 2})},
      {Op::embedding, {dims({1, 2}), dims({})}, dims({2})},
      {Op::embedding_gradient, {dims({4, 2}), dims({4})}, dims({3, 2})},
      {Op::embedding_gradient, {dims({4, 2}), dims({4})}, dims({3, 2}), {.over_batch = true}},
  };
}

std::vector<Row> reduction_rows() {
  return {
      {Op::sum, {dims({2, 3, 2})}, dims({3}), {.axes = 0b101}},
      {Op::sum, {dims({2, 3})}, dims({}), {.axes = 0b11}},
      {Op::sum, {dims({2, 3})}, dims({2, 3}), {.over_batch = true}},
      {Op::sum, {dims({2, 3})}, dims({2}), {.axes = 0b10, .over_batch = true}},
      {Op::max_reduce, {dims({2, 3, 2})}, dims({3}), {.axes = 0b101}},
      {Op::softmax, {dims({2, 3})}, dims({2, 3})},
      {Op::log_softmax, {dims({2, 3})}, dims({2, 3})},
  };
}

std::vector<Row> matmul_rows() {
  std::vector<Row> rows;
  for (int flags = 0; flags < 8; ++flags) {
    const bool s = (flags & 1) != 0, t = (flags & 2) != 0, over = (flags & 4) != 0;
    const Attributes attr{.transpose_a = s, .transpose_b = t, .over_batch = over};
    rows.push_back({Op::matmul, {s ? dims({3, 2}) : dims({2, 3}), t ? dims({2, 3}) : dims({3, 2})},
                    dims({2, 2}), attr});
    rows.push_back({Op::matmul,
                    {s ? dims({2, 3, 1}) : dims({2, 1, 3}), t ? dims({2, 2, 3}) : dims({2, 3, 2})},
                    dims({2, 1, 2}), attr});
    rows.push_back({Op::matmul,
                    {s ? dims({2, 3, 2}) : dims({2, 2, 3}), t ? dims({2, 3}) : dims({3, 2})},
                    dims({2, 2, 2}), attr});
    rows.push_back({Op::matmul,
                    {s ? dims({3, 2}) : dims({2, 3}), t ? dims({2, 2, 3}) : dims({2, 3, 2})},
                    dims({2, 2, 2}), attr});
  }
  return rows;
}

std::vector<Row> window_rows() {
  const Attributes conv{.groups = 2, .stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}};
  Attributes summed = conv;
  summed.over_batch = true;
  const Dims x = dims({2, 4, 4}), weight = dims({4, 1, 2, 2}), y = dims({4, 3, 2});
  // More windows than fit, and fewer: beyond x there are zeros.
  const Dims more = dims({4, 4, 3}), fewer = dims({4, 2, 1});
  const Attributes pool{.kernel = {2, 3}, .stride = {1, 2}, .padding = {1, 1}};
  const Dims large = dims({2, 3, 4}), small = dims({2, 4, 2});
  return {
      {Op::conv1d, {dims({7, 2}), dims({2, 3, 4})}, dims({3, 4}), {.dilation = {1, 2}}},
      {Op::conv2d, {x, weight}, y, conv},
      {Op::conv2d_input_gradient, {y, weight}, x, conv},
      {Op::conv2d, {x, weight}, more, conv},
      {Op::conv2d_input_gradient, {fewer, weight}, x, conv},
      {Op::conv2d_weight_gradient, {y, x}, weight, conv},
      {Op::conv2d_weight_gradient, {y, x}, weight, summed},
      {Op::max_pool2d, {large}, small, pool},
      {Op::max_pool2d_gradient, {large, small}, large, pool},
      {Op::max_pool2d_pick, {large, large}, small, pool},
      {Op::avg_pool2d, {large}, small, pool},
      {Op::avg_pool2d_gradient, {small}, large, pool},
  };
}

/// Bit k of `batched`: argument k exists once a sample.
Tape tape_of(const Row& row, unsigned batched) {
  Tape tape;
  tape.batch = 3;
  std::array<int, 3> args = {-1, -1, -1};
  for (std::size_t k = 0; k < row.arguments.size(); ++k) {
    args[k] = push_leaf(tape, Op::input, k, row.arguments[k], (batched >> k & 1) != 0);
  }
  tape.outputs = {push(tape, row.op, row.result, args, row.attr)};
  return tape;
}

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (unsigned batched = 0; batched < 1U << row.arguments.size(); ++batched) {
      if (row.attr.over_batch && batched == 0) continue;  // nothing to sum over
      const Tape tape = tape_of(row, batched);
      INFO(etch::info(row.op).name << ", batched arguments: " << batched);
      CHECK(gradient_error(tape, row.low, row.high) < 1e-7);
      CHECK(gradient_error(tape, row.low, row.high, true) < 1e-7);
      CHECK(gradient_error(gradient_tape(tape), row.low, row.high) < 1e-7);
      CHECK(gradient_error(gradient_tape(tape, true), row.low, row.high) < 1e-7);
    }
  }
}

}  // namespace

TEST_CASE("first and second derivatives of elementwise ops agree with central differences") {
  check(elementwise_rows());
}

TEST_CASE("first and second derivatives of movement ops agree with central differences") {
  check(movement_rows());
}

TEST_CASE("first and second derivatives of reductions agree with central differences") {
  check(reduction_rows());
}

TEST_CASE("first and second derivatives of products agree with central differences") {
  check(matmul_rows());
}

TEST_CASE("first and second derivatives of windows agree with central differences") {
  check(window_rows());
}

TEST_CASE("no op is left out of the gradient tests") {
  std::vector<Op> met;
  for (const auto& rows : {elementwise_rows(), movement_rows(), reduction_rows(), matmul_rows(),
                           window_rows()}) {
    for (const Row& row : rows) met.push_back(row.op);
  }
  for (const etch::OpInfo& info : etch::op_table) {
    // Leaves have no arguments, random numbers no slope, and detach has one that is not told.
    if (info.kind == etch::OpKind::leaf || info.op == Op::random || info.op == Op::detach) continue;
    INFO(info.name);
    CHECK(std::count(met.begin(), met.end(), info.op) > 0);
  }
}

TEST_CASE("a power with a constant exponent has a derivative for negative numbers too") {
  for (const double exponent : {2.0, 3.0, -1.0}) {
    Tape tape;
    const int x = push_leaf(tape, Op::input, 0, dims({3}));
    const int n = push(tape, Op::constant, dims({3}));
    tape[n].value = exponent;
    tape.outputs = {push(tape, Op::pow, dims({3}), {x, n, -1})};
    CHECK(gradient_error(tape, -2, -0.5) < 1e-7);
    CHECK(gradient_error(gradient_tape(tape), -2, -0.5) < 1e-7);
  }
}

namespace {

/// The gradients of an op's arguments where the seed is all ones.
std::vector<Numbers> gradients_at(Op op, const Dims& result, const std::vector<Numbers>& x,
                                  const Attributes& attr = {}) {
  Row row{op, {}, result, attr};
  for (const Numbers& values : x) row.arguments.push_back(dims({values.size()}));
  Feed feed{x, {}};
  feed.inputs.push_back(Numbers(result.size(), 1));
  Tape tape = tape_of(row, 0);
  tape.batch = 1;
  return run(gradient_tape(tape), feed);
}

}  // namespace

TEST_CASE("at a kink the gradient is PyTorch's") {
  CHECK(gradients_at(Op::relu, dims({3}), {{-1, 0, 1}})[0] == Numbers{0, 0, 1});
  CHECK(gradients_at(Op::abs, dims({3}), {{-1, 0, 1}})[0] == Numbers{-1, 0, 1});
  const Numbers a{1, 2, 3}, b{2, 2, 2};
  CHECK(gradients_at(Op::max, dims({3}), {a, b}) ==
        std::vector<Numbers>{{0, 0.5, 1}, {1, 0.5, 0}});
  CHECK(gradients_at(Op::min, dims({3}), {a, b}) ==
        std::vector<Numbers>{{1, 0.5, 0}, {0, 0.5, 1}});
}

TEST_CASE("ties share the gradient of a maximum equally") {
  CHECK(gradients_at(Op::max_reduce, dims({}), {{1, 4, 4, 2, 4, 4}}, {.axes = 1})[0] ==
        Numbers{0, 0.25, 0.25, 0, 0.25, 0.25});
}
