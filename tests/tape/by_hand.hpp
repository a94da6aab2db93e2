// SPDX-License-Identifier: BSL-1.0
// Small tapes without the front, and one op at a time.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "etch/tape/interpret.hpp"

namespace by_hand {

using Numbers = std::vector<double>;

constexpr etch::Dims dims(std::initializer_list<std::size_t> extents) {
  etch::Dims result;
  for (const std::size_t n : extents) result.push(n);
  return result;
}

/// Appends an instruction; it is batched if an argument is and the samples are not summed.
constexpr int push(etch::Tape& tape, etch::Op op, const etch::Dims& shape,
                   std::array<int, 3> args = {-1, -1, -1}, const etch::Attributes& attr = {}) {
  bool batched = false;
  for (const int arg : args) batched = batched || (arg >= 0 && tape[arg].batched);
  etch::Instruction code;
  code.op = op;
  code.batched = batched && !attr.over_batch;
  code.shape = shape;
  code.args = args;
  code.attr = attr;
  return tape.push(code);
}

constexpr int push_leaf(etch::Tape& tape, etch::Op op, std::size_t index, const etch::Dims& shape,
                        bool batched = false) {
  etch::Attributes attr;
  attr.index = index;
  const int at = push(tape, op, shape, {-1, -1, -1}, attr);
  tape[at].batched = batched;
  return at;
}

/// An argument of the op under test: one tensor, or one a sample.
struct Argument {
  etch::Dims shape;
  Numbers values;
  bool batched = false;
};

/// What one instruction makes of its arguments.
constexpr Numbers evaluate(etch::Op op, const etch::Dims& shape,
                           const std::vector<Argument>& arguments,
                           const etch::Attributes& attr = {}, std::size_t batch = 1) {
  etch::Tape tape;
  tape.batch = batch;
  std::array<int, 3> args = {-1, -1, -1};
  std::vector<Numbers> inputs;
  for (std::size_t k = 0; k < arguments.size(); ++k) {
    args[k] = push_leaf(tape, etch::Op::input, k, arguments[k].shape, arguments[k].batched);
    inputs.push_back(arguments[k].values);
  }
  tape.outputs.push_back(push(tape, op, shape, args, attr));
  return etch::interpret<double>(tape, inputs, {})[0];
}

/// 0.37, -0.81, ...: numbers without a pattern in (-1, 1).
constexpr Numbers scattered(std::size_t n, unsigned seed) {
  Numbers result;
  for (std::size_t i = 0; i < n; ++i) {
    seed = seed * 1664525U + 1013904223U;  // Numerical Recipes
    result.push_back(static_cast<double>(seed >> 8) / 0x1p23 - 1);
  }
  return result;
}

constexpr double inner(const Numbers& a, const Numbers& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

constexpr bool near(double a, double b, double tolerance = 1e-14) {
  if (a == b) return true;
  const double difference = a < b ? b - a : a - b;
  const double size = b < 0 ? -b : b;
  return difference <= tolerance * (size > 1 ? size : 1);
}

constexpr bool near(const Numbers& a, const Numbers& b, double tolerance = 1e-14) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!near(a[i], b[i], tolerance)) return false;
  }
  return true;
}

}  // namespace by_hand
