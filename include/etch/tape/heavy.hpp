// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/number_type.hpp"
#include "etch/expr/op.hpp"
#include "etch/tape/lengths.hpp"

// What a heavy kernel is told: sizes and strides in elements, as values that are template
// arguments. Two instructions with equal descriptions run the same function.

namespace etch {

/// C[o, i, j] = sum over (q, k) of A[o, i, q, k] B[o, q, k, j]; C is contiguous [outer, m, n].
/// The contraction has two levels so that a sum over samples and over an axis of each needs no
/// copy; q runs slower than k. Any stride may be zero (the operand is shared along that index).
struct Gemm {
  std::size_t outer = 1, m = 1, n = 1, q = 1, k = 1;
  std::size_t a_outer = 0, a_row = 0, a_q = 0, a_k = 0;
  std::size_t b_outer = 0, b_q = 0, b_k = 0, b_col = 0;
  NumberType a_type = NumberType::f32, b_type = NumberType::f32;  ///< small: in pairs of k
  Lengths depth{};        ///< axis 0 is k
  std::size_t parts = 1;  ///< C is one row, or one column, of so many parts (see matmul_parts.hpp)

  constexpr bool operator==(const Gemm&) const = default;
};

/// What a chain behind a product goes through: one element of each part at a time.
constexpr Dims domain_of_product(const Gemm& g) {
  return {3, {g.outer, g.n == 1 ? g.m / g.parts : g.m, g.n == 1 ? 1 : g.n / g.parts}};
}

/// conv2d and its two gradients. x: [batch][channels, height, width], y: [batch][outputs,
/// out_height, out_width], weight: [outputs, channels / groups, kernel[0], kernel[1]]. The padding
/// is the one in front; out_height and out_width may be any: beyond x there are zeros without end.
/// The batch strides are zero where that tensor is shared by all samples.
struct Conv2dSpec {
  bool outputs_last = false;  ///< forward: weight is [channels, kernel, outputs]; small: in pairs
  bool over_batch = false;  ///< weight gradient: summed over samples (result not batched)
  NumberType type = NumberType::f32;  ///< of the weight; of floats in its own gradient
  std::size_t batch = 1, channels = 1, height = 1, width = 1;
  std::size_t outputs = 1, out_height = 1, out_width = 1, groups = 1;
  Array2<std::size_t> kernel{1, 1}, stride{1, 1}, padding{}, dilation{1, 1};
  std::size_t x_batch = 0, y_batch = 0, weight_batch = 0;

  constexpr bool operator==(const Conv2dSpec&) const = default;
};

/// Pooling over `planes` = batch * channels independent planes.
struct Pool2dSpec {
  std::size_t planes = 1, height = 1, width = 1, out_height = 1, out_width = 1;
  Array2<std::size_t> kernel{1, 1}, stride{1, 1}, padding{};

  constexpr bool operator==(const Pool2dSpec&) const = default;
};

/// Sum or maximum of a contiguous row-major tensor over the axes whose bit is set; neighbouring
/// axes of one sort are merged, so bits alternate.
struct ReduceSpec {
  Dims shape;
  std::size_t axes = 0;
  Lengths lengths{};

  constexpr bool operator==(const ReduceSpec&) const = default;
};

/// Softmax or its logarithm of each row of a contiguous [outer, rows, columns].
struct SoftmaxSpec {
  std::size_t rows = 1, columns = 1, outer = 1;
  Lengths lengths{};  ///< axis 0 is rows, 1 columns

  constexpr bool operator==(const SoftmaxSpec&) const = default;
};

/// concat: y[o] = a[o] then b[o], rows of a_inner and b_inner elements. A stride of zero: that
/// operand is shared by all `outer` indices of its part (batch only): o / shared_every selects it.
struct ConcatSpec {
  std::size_t outer = 1, a_inner = 1, b_inner = 1;
  std::size_t a_period = 1,
              b_period = 1;  ///< the operand's row is o % period (= outer: not shared)
  Lengths lengths{};  ///< axis 0 is outer

  constexpr bool operator==(const ConcatSpec&) const = default;
};

/// embedding and its gradient: `count` indices of each sample choose among `rows` of `inner`
/// numbers. Batch strides are zero for what all samples share.
struct EmbeddingSpec {
  std::size_t batch = 1, count = 1, rows = 1, inner = 1;
  std::size_t table_batch = 0, index_batch = 0, y_batch = 0;
  NumberType type = NumberType::f32;  ///< of the table
  Lengths lengths{};  ///< axis 0 is count

  constexpr bool operator==(const EmbeddingSpec&) const = default;
};

/// pad: y [outer, extent, inner] is zero but for y[o, start + i * step, :] = x[o, i, :], i < count.
struct PadSpec {
  std::size_t outer = 1, extent = 1, inner = 1, count = 1, start = 0, step = 1;
  Lengths lengths{};  ///< axis 0 is outer

  constexpr bool operator==(const PadSpec&) const = default;
};

}  // namespace etch
