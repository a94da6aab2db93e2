// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/tape/value.hpp"

// Which axis of a value is time, and how it comes to the front.

namespace etch::detail {

/// `shape` with one axis in front, and that of extent n.
constexpr Dims time_first(const Dims& shape, std::size_t axis, std::size_t n) {
  Dims d;
  d.push(n);
  for (std::size_t k = 0; k < shape.rank; ++k) {
    if (k != axis) d.push(shape[k]);
  }
  return d;
}

/// Where another axis is when `time` has moved to the front.
constexpr std::size_t behind_time(std::size_t axis, std::size_t time) {
  return axis < time ? axis + 1 : axis;
}

inline constexpr int nowhere = -1;

/// The axis of argument k that runs along with an axis of the result, else nowhere.
constexpr int axis_of_argument(const Tape& tape, const Instruction& i, std::size_t k, int axis) {
  if (axis < 0) return nowhere;
  const Dims& x = tape[i.args[k]].shape;
  const int rank = static_cast<int>(i.shape.rank);
  const int rank_x = static_cast<int>(x.rank);
  const auto at = static_cast<std::size_t>(axis);
  switch (i.op) {
    case Op::reshape: {
      std::size_t before = 1;
      for (std::size_t j = 0; j < at; ++j) before *= i.shape[j];
      for (std::size_t j = 0, product = 1; j < x.rank; product *= x[j++]) {
        if (product == before && x[j] == i.shape[at]) return static_cast<int>(j);
      }
      return nowhere;
    }
    case Op::permute: return static_cast<int>(i.attr.order[at]);
    case Op::broadcast: {
      const int j = axis - (rank - rank_x);
      return j >= 0 && x[static_cast<std::size_t>(j)] == i.shape[at] ? j : nowhere;
    }
    case Op::embedding: return k == 1 && axis < rank_x ? axis : nowhere;
    case Op::sum: case Op::max_reduce: {
      int left = axis;
      for (int j = 0; j < rank_x; ++j) {
        if ((i.attr.axes >> j & 1) == 0 && left-- == 0) return j;
      }
      return nowhere;
    }
    case Op::matmul: {
      if (axis < rank - 2) return rank_x == rank ? axis : nowhere;
      const bool rows = axis == rank - 2;
      if (rows != (k == 0)) return nowhere;
      const bool swapped = k == 0 ? i.attr.transpose_a : i.attr.transpose_b;
      return rows != swapped ? rank_x - 2 : rank_x - 1;
    }
    case Op::conv2d: return k == 0 && axis != 0 ? axis : nowhere;
    case Op::detach: case Op::slice: case Op::concat: case Op::pad: case Op::softmax:
    case Op::log_softmax:
      return axis;
    default: return info(i.op).kind == OpKind::elementwise ? axis : nowhere;
  }
}

/// The axis along which a product sums argument k.
constexpr int summed_axis(const Tape& tape, const Instruction& product, std::size_t k) {
  const int rank = static_cast<int>(tape[product.args[k]].shape.rank);
  const bool swapped = k == 0 ? product.attr.transpose_a : product.attr.transpose_b;
  return swapped == (k == 0) ? rank - 2 : rank - 1;
}

/// Whether a value is the index along an axis.
constexpr bool counts(const Tape& tape, int value, int axis) {
  const Instruction& i = tape[value];
  if (i.op == Op::iota) return axis == static_cast<int>(i.attr.axis);
  if (info(i.op).kind != OpKind::movement || i.op == Op::slice || axis < 0) return false;
  return counts(tape, i.args[0], axis_of_argument(tape, i, 0, axis));
}

/// Whether a value that does not depend on x differs along an axis.
constexpr bool varies(const Tape& tape, int value, int axis) {
  const Instruction& i = tape[value];
  if (axis < 0 || i.shape[static_cast<std::size_t>(axis)] == 1) return false;
  if (i.op == Op::constant) return false;
  if (i.op == Op::iota) return axis == static_cast<int>(i.attr.axis);
  if (info(i.op).kind == OpKind::elementwise) {
    for (const int arg : i.args) {
      if (arg >= 0 && varies(tape, arg, axis)) return true;
    }
    return false;
  }
  if (i.op == Op::broadcast) {
    return varies(tape, i.args[0], axis_of_argument(tape, i, 0, axis));
  }
  return true;
}

/// A vector along one axis of a shape.
constexpr Value on_axis(Value vector, std::size_t axis, const Dims& shape) {
  Dims ones = shape;
  for (std::size_t k = 0; k < shape.rank; ++k) ones.extent[k] = k == axis ? shape[k] : 1;
  return broadcast(reshape(vector, ones), shape);
}

/// From an axis in its place to time in front, and back.
constexpr Value to_front(Value x, std::size_t axis) {
  if (axis == 0) return x;
  Attributes attr;
  attr.order[0] = axis;
  for (std::size_t k = 0; k < x.shape().rank; ++k) {
    if (k != axis) attr.order[behind_time(k, axis)] = k;
  }
  return permute(x, attr);
}
constexpr Value from_front(Value x, std::size_t axis) {
  if (axis == 0) return x;
  Attributes attr;
  for (std::size_t k = 0; k < x.shape().rank; ++k) {
    attr.order[k] = k == axis ? 0 : behind_time(k, axis);
  }
  return permute(x, attr);
}

}  // namespace etch::detail
