// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/shape.hpp"
#include "etch/tape/constexpr_math.hpp"
#include "etch/tape/tape.hpp"

/// What the instructions of a tape mean: one rule per op, in plain loops, for any number type.
namespace etch::rule {

/// An argument as its rule sees it. The stride is zero where all samples share one tensor.
template <class T> struct Operand {
  const T* data = nullptr;
  std::size_t stride = 0;
  Dims shape;

  constexpr const T* sample(std::size_t b) const { return data + b * stride; }
};

/// One instruction with its buffers. `samples` is how often the rule runs: once for each sample if
/// the result is batched or summed over the batch, else once.
template <class T> struct Step {
  const Instruction& code;
  Operand<T> args[3];
  T* data = nullptr;
  std::size_t stride = 0;
  std::size_t samples = 1;

  constexpr T* result(std::size_t b) const { return data + b * stride; }

  /// A result that is summed over the samples exists once.
  constexpr void fill(const T& x) const {
    const std::size_t n = code.shape.size() * (code.batched ? samples : 1);
    for (std::size_t i = 0; i < n; ++i) data[i] = x;
  }
};

/// total + a_0 b_0 + a_1 b_1 + ..., added in this order. Compilers that run it, and do not compile
/// it, take their time for loops and large indices: four at a time is half of that.
template <class T> constexpr T add_dot(T total, const T* a, const T* b, std::size_t n) {
  for (; n >= 4; n -= 4, a += 4, b += 4) {
    total = total + a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  }
  for (std::size_t i = 0; i < n; ++i) total = total + a[i] * b[i];
  return total;
}

/// Row-major element strides of a contiguous tensor.
struct Strides {
  std::size_t of[max_rank] = {};

  constexpr explicit Strides(const Dims& dims) {
    std::size_t n = 1;
    for (std::size_t axis = dims.rank; axis-- > 0; n *= dims[axis]) of[axis] = n;
  }
  constexpr Strides() = default;
};

/// Calls visit(position, place) for each element of `dims` in row-major order: position counts the
/// elements, place is start + the index times the strides.
template <class F>
constexpr void walk(const Dims& dims, std::size_t start, const Strides& strides, F visit) {
  const std::size_t size = dims.size();
  const std::size_t row = dims.rank == 0 ? 1 : dims.back(0);
  const std::size_t step = dims.rank == 0 ? 0 : strides.of[dims.rank - 1];
  std::size_t index[max_rank] = {};
  std::size_t place = start;
  for (std::size_t position = 0; position < size; position += row) {
    for (std::size_t i = 0; i < row; ++i) visit(position + i, place + i * step);
    for (std::size_t axis = dims.rank; axis-- > 1;) {
      place += strides.of[axis - 1];
      if (++index[axis - 1] < dims[axis - 1]) break;
      place -= strides.of[axis - 1] * dims[axis - 1];
      index[axis - 1] = 0;
    }
  }
}

/// The larger one; a NaN if there is one.
template <class T> constexpr T maximum(const T& a, const T& b) {
  return math::less(a, b) || !(b == b) ? b : a;
}

/// The smaller one; a NaN if there is one.
template <class T> constexpr T minimum(const T& a, const T& b) {
  return math::less(b, a) || !(b == b) ? b : a;
}

}  // namespace etch::rule
