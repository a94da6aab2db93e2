// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/tape/tape.hpp"

// Writing on a tape as one writes a formula: the passes that add instructions use these handles.

namespace etch {

/// A value on a tape under construction.
struct Value {
  Tape* tape = nullptr;
  int id = -1;

  constexpr explicit operator bool() const { return id >= 0; }
  constexpr const Instruction& at() const { return (*tape)[id]; }
  constexpr Dims shape() const { return at().shape; }  // a copy: pushing moves the tape
};

namespace detail {

constexpr bool any_batched(const Tape& tape, const std::array<int, 3>& args) {
  for (const int arg : args) {
    if (arg >= 0 && tape[arg].batched) return true;
  }
  return false;
}

/// Appends an instruction; whether it is batched follows from its arguments.
constexpr Value emit(Tape& tape, Op op, const Dims& shape, std::array<int, 3> args = {-1, -1, -1},
                     const Attributes& attr = {}) {
  Instruction instruction{.op = op, .shape = shape, .args = args, .attr = attr};
  instruction.batched = any_batched(tape, args) && !attr.over_batch;
  return {&tape, tape.push(instruction)};
}

constexpr Value elementwise(Op op, Value a, Value b = {}, Value c = {}) {
  return emit(*a.tape, op, a.shape(), {a.id, b.id, c.id});
}

constexpr Value number(Value like, double value) {
  Value result = emit(*like.tape, Op::constant, like.shape());
  (*like.tape)[result.id].value = value;
  return result;
}

/// A value that exists once, copied to every sample; a batched one as it is.
constexpr Value for_each_sample(Value a) {
  if (a.at().batched) return a;
  const Value result = emit(*a.tape, Op::broadcast, a.shape(), {a.id, -1, -1});
  (*a.tape)[result.id].batched = true;
  return result;
}

constexpr bool is_number(Value a, double value) {
  return a.at().op == Op::constant && a.at().value == value;
}

constexpr bool swaps_last_two(const Instruction& i) {
  if (i.op != Op::permute || i.shape.rank < 2) return false;
  const std::size_t r = i.shape.rank;
  for (std::size_t axis = 0; axis + 2 < r; ++axis) {
    if (i.attr.order[axis] != axis) return false;
  }
  return i.attr.order[r - 2] == r - 1;
}

}  // namespace detail

constexpr Value operator-(Value a) { return detail::elementwise(Op::neg, a); }
constexpr Value operator+(Value a, Value b) {
  if (detail::is_number(a, 0)) return b;
  if (detail::is_number(b, 0)) return a;
  return detail::elementwise(Op::add, a, b);
}
constexpr Value operator-(Value a, Value b) { return detail::elementwise(Op::sub, a, b); }
constexpr Value operator*(Value a, Value b) {
  if (detail::is_number(a, 1)) return b;
  if (detail::is_number(b, 1)) return a;
  return detail::elementwise(Op::mul, a, b);
}
constexpr Value operator/(Value a, Value b) { return detail::elementwise(Op::div, a, b); }
constexpr Value operator+(Value a, double b) { return a + detail::number(a, b); }
constexpr Value operator-(double a, Value b) { return detail::number(b, a) - b; }
constexpr Value operator-(Value a, double b) { return a - detail::number(a, b); }
constexpr Value operator*(double a, Value b) { return detail::number(b, a) * b; }
constexpr Value operator<(Value a, Value b) { return detail::elementwise(Op::less, a, b); }
constexpr Value operator<(double a, Value b) { return detail::number(b, a) < b; }
constexpr Value operator<(Value a, double b) { return a < detail::number(a, b); }
constexpr Value equal(Value a, Value b) { return detail::elementwise(Op::equal, a, b); }
constexpr Value where(Value c, Value a, Value b) {
  return detail::elementwise(Op::where, c, a, b);
}
constexpr Value exp(Value a) { return detail::elementwise(Op::exp, a); }
constexpr Value log(Value a) { return detail::elementwise(Op::log, a); }
constexpr Value sin(Value a) { return detail::elementwise(Op::sin, a); }
constexpr Value cos(Value a) { return detail::elementwise(Op::cos, a); }
constexpr Value pow(Value a, Value b) { return detail::elementwise(Op::pow, a, b); }

constexpr Value reshape(Value a, const Dims& shape) {
  if (a.shape() == shape) return a;
  return detail::emit(*a.tape, Op::reshape, shape, {a.id, -1, -1});
}

constexpr Value detach(Value a) {
  return detail::emit(*a.tape, Op::detach, a.shape(), {a.id, -1, -1});
}

constexpr Value broadcast(Value a, const Dims& shape) {
  if (a.shape() == shape) return a;
  if (a.at().op == Op::constant) {  // a number has any shape
    const double value = a.at().value;
    const Value result = detail::emit(*a.tape, Op::constant, shape);
    (*a.tape)[result.id].value = value;
    return result;
  }
  return detail::emit(*a.tape, Op::broadcast, shape, {a.id, -1, -1});
}

constexpr Value permute(Value a, const Attributes& attr) {
  return detail::emit(*a.tape, Op::permute, permuted_dims(attr, a.shape()), {a.id, -1, -1}, attr);
}

constexpr Value slice(Value a, const Attributes& attr, std::size_t count) {
  Dims shape = a.shape();
  shape.extent[attr.axis] = count;
  return detail::emit(*a.tape, Op::slice, shape, {a.id, -1, -1}, attr);
}

constexpr Value pad(Value a, const Attributes& attr, const Dims& shape) {
  return detail::emit(*a.tape, Op::pad, shape, {a.id, -1, -1}, attr);
}

constexpr Value sum(Value a, std::size_t axes) {
  if (axes == 0) return a;
  return detail::emit(*a.tape, Op::sum, reduced_dims(a.shape(), axes), {a.id, -1, -1},
                      {.axes = axes});
}

/// The sum of a batched value over its samples. Where nobody else reads the value (`own`), a sum,
/// product or weight gradient that was written just now takes it over instead of being stored once
/// a sample.
constexpr Value sum_over_batch(Value a, bool own = false) {
  const bool last = static_cast<std::size_t>(a.id) + 1 == a.tape->size();
  Instruction& i = (*a.tape)[a.id];
  const bool able =
      i.op == Op::sum || i.op == Op::matmul || i.op == Op::conv2d_weight_gradient ||
      i.op == Op::embedding_gradient;
  if (own && last && able) {
    i.attr.over_batch = true;
    i.batched = false;
    return a;
  }
  return detail::emit(*a.tape, Op::sum, a.shape(), {a.id, -1, -1}, {.over_batch = true});
}

/// Transposes of the arguments are folded into the flags of the product.
constexpr Value matmul(Value a, Value b, bool transpose_a = false, bool transpose_b = false) {
  if (detail::swaps_last_two(a.at())) {
    return matmul({a.tape, a.at().args[0]}, b, !transpose_a, transpose_b);
  }
  if (detail::swaps_last_two(b.at())) {
    return matmul(a, {b.tape, b.at().args[0]}, transpose_a, !transpose_b);
  }
  const Attributes attr{.transpose_a = transpose_a, .transpose_b = transpose_b};
  return detail::emit(*a.tape, Op::matmul, matmul_dims(attr, a.shape(), b.shape()),
                      {a.id, b.id, -1}, attr);
}

}  // namespace etch
