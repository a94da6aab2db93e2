// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string_view>

#include "etch/expr/fixed.hpp"
#include "etch/expr/shape.hpp"

namespace etch {

/// The primitive operations. Everything else is a formula over these.
///
/// To add one: a row here and in `op_table`, its shape rule (result_dims below, if the result has
/// another shape than the first argument), its gradient (tape/gradient.hpp), its meaning
/// (tape/interpret.hpp), and its kernel (kernels/chain.hpp for elementwise ones, else a file there
/// and its step in network/emit.hpp). A missing row does not compile or fails a static_assert.
enum class Op : unsigned char {
  // leaves
  input, parameter, constant, iota, table,
  // elementwise, one argument
  neg, abs, exp, expm1, log, log1p, sqrt, rsqrt, sin, cos, tanh, sigmoid, erf, relu,
  // elementwise, two arguments
  add, sub, mul, div, max, min, pow, less, less_equal, equal, random,
  // elementwise, three arguments
  where,
  // movement: the same numbers seen in another order
  reshape, detach, permute, slice, broadcast,
  // heavy: each has a kernel of its own
  concat, pad, embedding, embedding_gradient, sum, max_reduce, softmax, log_softmax, matmul,
  conv1d, conv2d, conv2d_input_gradient, conv2d_weight_gradient, append,
  max_pool2d, max_pool2d_gradient, max_pool2d_pick, avg_pool2d, avg_pool2d_gradient,
};

enum class OpKind : unsigned char { leaf, elementwise, movement, heavy };

struct OpInfo {
  Op op;
  std::string_view name;
  OpKind kind;
  std::size_t arity;
};

inline constexpr OpInfo op_table[] = {
    {Op::input, "input", OpKind::leaf, 0},
    {Op::parameter, "parameter", OpKind::leaf, 0},
    {Op::constant, "constant", OpKind::leaf, 0},
    {Op::iota, "iota", OpKind::leaf, 0},
    {Op::table, "table", OpKind::leaf, 0},
    {Op::neg, "neg", OpKind::elementwise, 1},
    {Op::abs, "abs", OpKind::elementwise, 1},
    {Op::exp, "exp", OpKind::elementwise, 1},
    {Op::expm1, "expm1", OpKind::elementwise, 1},
    {Op::log, "log", OpKind::elementwise, 1},
    {Op::log1p, "log1p", OpKind::elementwise, 1},
    {Op::sqrt, "sqrt", OpKind::elementwise, 1},
    {Op::rsqrt, "rsqrt", OpKind::elementwise, 1},
    {Op::sin, "sin", OpKind::elementwise, 1},
    {Op::cos, "cos", OpKind::elementwise, 1},
    {Op::tanh, "tanh", OpKind::elementwise, 1},
    {Op::sigmoid, "sigmoid", OpKind::elementwise, 1},
    {Op::erf, "erf", OpKind::elementwise, 1},
    {Op::relu, "relu", OpKind::elementwise, 1},
    {Op::add, "add", OpKind::elementwise, 2},
    {Op::sub, "sub", OpKind::elementwise, 2},
    {Op::mul, "mul", OpKind::elementwise, 2},
    {Op::div, "div", OpKind::elementwise, 2},
    {Op::max, "max", OpKind::elementwise, 2},
    {Op::min, "min", OpKind::elementwise, 2},
    {Op::pow, "pow", OpKind::elementwise, 2},
    {Op::less, "less", OpKind::elementwise, 2},
    {Op::less_equal, "less_equal", OpKind::elementwise, 2},
    {Op::equal, "equal", OpKind::elementwise, 2},
    {Op::random, "random", OpKind::elementwise, 2},
    {Op::where, "where", OpKind::elementwise, 3},
    {Op::reshape, "reshape", OpKind::movement, 1},
    {Op::detach, "detach", OpKind::movement, 1},
    {Op::permute, "permute", OpKind::movement, 1},
    {Op::slice, "slice", OpKind::movement, 1},
    {Op::broadcast, "broadcast", OpKind::movement, 1},
    {Op::concat, "concat", OpKind::heavy, 2},
    {Op::pad, "pad", OpKind::heavy, 1},
    {Op::embedding, "embedding", OpKind::heavy, 2},
    {Op::embedding_gradient, "embedding_gradient", OpKind::heavy, 2},
    {Op::sum, "sum", OpKind::heavy, 1},
    {Op::max_reduce, "max_reduce", OpKind::heavy, 1},
    {Op::softmax, "softmax", OpKind::heavy, 1},
    {Op::log_softmax, "log_softmax", OpKind::heavy, 1},
    {Op::matmul, "matmul", OpKind::heavy, 2},
    {Op::conv1d, "conv1d", OpKind::heavy, 2},
    {Op::conv2d, "conv2d", OpKind::heavy, 2},
    {Op::conv2d_input_gradient, "conv2d_input_gradient", OpKind::heavy, 2},
    {Op::conv2d_weight_gradient, "conv2d_weight_gradient", OpKind::heavy, 2},
    {Op::append, "append", OpKind::heavy, 2},
    {Op::max_pool2d, "max_pool2d", OpKind::heavy, 1},
    {Op::max_pool2d_gradient, "max_pool2d_gradient", OpKind::heavy, 2},
    {Op::max_pool2d_pick, "max_pool2d_pick", OpKind::heavy, 2},
    {Op::avg_pool2d, "avg_pool2d", OpKind::heavy, 1},
    {Op::avg_pool2d_gradient, "avg_pool2d_gradient", OpKind::heavy, 1},
};

inline constexpr std::size_t op_count = static_cast<std::size_t>(Op::avg_pool2d_gradient) + 1;

static_assert(
    [] {
      std::size_t row = 0;
      for (const OpInfo& info : op_table) {
        if (static_cast<std::size_t>(info.op) != row++) return false;
      }
      return row == op_count;
    }(),
    "etch: op_table has one row for each Op, in the same order");

constexpr const OpInfo& info(Op op) { return op_table[static_cast<std::size_t>(op)]; }

/// Movement that leaves the numbers where they are.
constexpr bool only_renames(Op op) { return op == Op::reshape || op == Op::detach; }

/// What an op needs to know beside its arguments. One struct for all, so that an instruction is a
/// plain value; each op reads only its own fields, the others stay zero.
struct Attributes {
  std::size_t index = 0;          ///< input: which; parameter: row of the table; random: stream
  std::size_t axis = 0;           ///< concat, slice, pad, iota
  std::size_t start = 0;          ///< slice, pad: first position along the axis
  std::size_t step = 0;           ///< slice, pad: distance of neighbours along the axis (>= 1)
  std::size_t axes = 0;           ///< sum, max_reduce: bit i set = axis i is reduced away
  std::size_t groups = 0;         ///< conv2d and its gradients; matmul: parts (tape/parts.hpp)
  Array2<std::size_t> kernel{};    ///< pooling: window height and width
  Array2<std::size_t> stride{};    ///< conv2d, pooling
  Array2<std::size_t> padding{};   ///< conv2d (zeros), pooling, on both sides
  Array2<std::size_t> dilation{};  ///< conv2d
  Array6<std::size_t> order{};  ///< permute: axis i of the result is axis order[i] of x
  bool transpose_a = false;       ///< matmul: a is stored [K, M] (its last two axes)
  bool transpose_b = false;       ///< matmul: b is stored [N, K]; conv2d: weight is [C,kh,kw,O]
  bool over_batch = false;        ///< sum, matmul, conv2d_weight_gradient: also summed over samples

  constexpr bool operator==(const Attributes&) const = default;
};
static_assert(max_rank == 6);

/// Windows along one axis: floor((n + 2 p - d (k - 1) - 1) / s) + 1, as PyTorch counts them.
constexpr std::size_t window_count(std::size_t n, std::size_t kernel, std::size_t stride,
                                   std::size_t padding, std::size_t dilation) {
  return (n + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

constexpr Dims matmul_dims(const Attributes& a, const Dims& x, const Dims& y) {
  const std::size_t m = a.transpose_a ? x.back(0) : x.back(1);
  const std::size_t n = a.transpose_b ? y.back(1) : y.back(0);
  Dims result = x.rank >= y.rank ? x : y;  // leading axes, if any
  result.extent[result.rank - 2] = m;
  result.extent[result.rank - 1] = n;
  return result;
}

/// x: [C, H, W], weight: [O, C / groups, kh, kw] -> [O, H', W'].
constexpr Dims conv2d_dims(const Attributes& a, const Dims& x, const Dims& weight) {
  return Dims{3,
              {weight[0],
               window_count(x[1], weight[2], a.stride[0], a.padding[0], a.dilation[0]),
               window_count(x[2], weight[3], a.stride[1], a.padding[1], a.dilation[1])}};
}

/// x: [C, H, W] -> [C, H', W'].
constexpr Dims pool2d_dims(const Attributes& a, const Dims& x) {
  return Dims{3,
              {x[0], window_count(x[1], a.kernel[0], a.stride[0], a.padding[0], 1),
               window_count(x[2], a.kernel[1], a.stride[1], a.padding[1], 1)}};
}

/// The axes whose bit in `axes` is set disappear.
constexpr Dims reduced_dims(const Dims& x, std::size_t axes) {
  Dims result;
  for (std::size_t i = 0; i < x.rank; ++i) {
    if ((axes >> i & 1) == 0) result.push(x[i]);
  }
  return result;
}

constexpr Dims permuted_dims(const Attributes& a, const Dims& x) {
  Dims result = x;
  for (std::size_t i = 0; i < x.rank; ++i) result.extent[i] = x[a.order[i]];
  return result;
}

/// table: [rows, n], index: any shape -> [index..., n].
constexpr Dims embedding_dims(const Dims& table, const Dims& index) {
  Dims result = index;
  result.push(table[1]);
  return result;
}

constexpr Dims concat_dims(const Attributes& a, const Dims& x, const Dims& y) {
  Dims result = x;
  result.extent[a.axis] += y[a.axis];
  return result;
}

}  // namespace etch
