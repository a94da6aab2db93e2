// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>

#include "etch/tape/tape.hpp"
#include "etch/tape/value.hpp"

namespace etch {

namespace detail {
/// Copies the instructions for which keep[i] != 0 and points every argument at its new place.
constexpr Tape rebuilt(const Tape& tape, const Table<char>& keep) {
  Tape result{.batch = tape.batch, .origin = tape.origin, .parameters = tape.parameters};
  result.code.reserve(tape.size());
  Table<int> place(tape.size(), -1);
  const auto moved = [&](int i) {
    return i < 0 ? i : place[static_cast<std::size_t>(i)];
  };
  for (std::size_t i = 0; i < tape.size(); ++i) {
    if (keep[i] == 0) continue;
    place[i] = result.push(tape.code[i]);
    for (int& arg : result.code.back().args) arg = moved(arg);
  }
  for (const int output : tape.outputs) result.outputs.push_back(moved(output));
  return result;
}

constexpr Table<int> identity(std::size_t n) {
  Table<int> result(n, 0);
  for (std::size_t i = 0; i < n; ++i) result[i] = static_cast<int>(i);
  return result;
}
}  // namespace detail

/// Drops instructions that no output depends on; inputs stay if asked for. The parameter table
/// stays whole: it is the network's, whether or not this tape reads all of it.
constexpr Tape without_dead_code(const Tape& tape, bool keep_inputs = false) {
  detail::Table<char> live(tape.size(), 0);
  for (const int output : tape.outputs) live[static_cast<std::size_t>(output)] = 1;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    if (keep_inputs && tape.code[i].op == Op::input) live[i] = 1;
  }
  for (std::size_t i = tape.size(); i-- > 0;) {
    if (live[i] == 0) continue;
    for (const int arg : tape.code[i].args) {
      if (arg >= 0) live[static_cast<std::size_t>(arg)] = 1;
    }
  }
  return detail::rebuilt(tape, live);
}

namespace detail {
/// Points all arguments and outputs at the first of equal instructions; the others stay behind,
/// without a reader. Returns which one stands for each.
constexpr Table<int> share_equal(Tape& tape) {
  Table<int> same = identity(tape.size());
  // What was met of each op, latest first: keeps the search short.
  std::array<int, op_count> latest{};  // one more than the place, so that zero is none
  Table<int> before(tape.size(), 0);
  for (std::size_t i = 0; i < tape.size(); ++i) {
    Instruction& instruction = tape.code[i];  // earlier ones already name what stands for them
    for (int& arg : instruction.args) {
      if (arg >= 0) arg = same[static_cast<std::size_t>(arg)];
    }
    int& newest = latest[static_cast<std::size_t>(instruction.op)];
    int j = newest - 1;
    const auto differs = [&] { return tape[j].args != instruction.args || tape[j] != instruction; };
    while (j >= 0 && differs()) j = before[static_cast<std::size_t>(j)] - 1;
    if (j >= 0) {
      same[i] = j;
    } else {
      before[i] = newest;
      newest = static_cast<int>(i) + 1;
    }
  }
  for (int& output : tape.outputs) output = same[static_cast<std::size_t>(output)];
  return same;
}
}  // namespace detail

/// Computes equal subexpressions once: an instruction that equals an earlier one, arguments
/// included, is replaced by it.
constexpr Tape without_common_subexpressions(Tape tape) {
  const detail::Table<int> same = detail::share_equal(tape);
  detail::Table<char> keep(tape.size(), 0);
  for (std::size_t i = 0; i < tape.size(); ++i) keep[i] = same[i] == static_cast<int>(i) ? 1 : 0;
  return detail::rebuilt(tape, keep);
}

/// Both at once: nothing is computed twice, and nothing in vain.
constexpr Tape tidied(Tape tape, bool keep_inputs = false) {
  detail::share_equal(tape);
  return without_dead_code(tape, keep_inputs);
}

namespace detail {
/// Up to so many outputs, dot products over at least so many inputs are faster than a register over
/// the outputs (measured with 16 lanes, one sample: 64 -> 10 takes 22 ns instead of 37).
inline constexpr std::size_t few_outputs = 12, long_inputs = 16;

constexpr bool by_dots(const Dims& matrix) {
  return matrix[0] <= few_outputs && matrix[1] >= long_inputs;
}

/// Whether a matrix is used as [out, in] here: contracted over its last axis.
constexpr bool contracts_last(const Instruction& use, int matrix) {
  if (use.op != Op::matmul || use.args[0] == use.args[1]) return false;
  return use.args[0] == matrix ? !use.attr.transpose_a : use.attr.transpose_b;
}
}  // namespace detail

namespace detail {
/// Whether everything that reads a value is as `is_right` says; false if nothing does.
template <class F> constexpr bool all_uses(const Tape& tape, int value, const F& is_right) {
  bool any = false;
  for (const Instruction& use : tape.code) {
    if (use.args[0] != value && use.args[1] != value && use.args[2] != value) continue;
    if (!is_right(use)) return false;
    any = true;
  }
  for (const int output : tape.outputs) any = any && output != value;
  return any;
}

/// Kernels [O, C, k] of sequences are kept as [C, k, O]: step by step, vectors run over outputs.
constexpr void store_kernel_of_sequences(Tape& tape, int kernel) {
  int image = -1;  // [O, C, 1, k], which convolutions take
  for (std::size_t i = 0; i < tape.size(); ++i) {
    if (tape.code[i].op == Op::reshape && tape.code[i].args[0] == kernel) {
      image = static_cast<int>(i);
    }
  }
  if (image < 0) return;
  const bool only_that = all_uses(tape, kernel, [&](const Instruction& use) {
    return use.op == Op::reshape && use.shape == tape[image].shape;
  });
  const bool of_sequences = all_uses(tape, image, [&](const Instruction& use) {
    return use.op == Op::conv2d && use.args[1] == image && use.attr.groups == 1 &&
           tape[use.args[0]].shape[1] == 1;
  });
  if (!only_that || !of_sequences) return;
  const Dims shape = tape[image].shape;
  tape[kernel].shape = Dims{4, {shape[1], shape[2], shape[3], shape[0]}};
  tape.parameters[tape[kernel].attr.index].transposed = true;
  tape[image].op = Op::permute;
  tape[image].attr.order = {3, 0, 1, 2};
}
}  // namespace detail

/// Decides how matrices are stored. A parameter [out, in] that is only ever contracted over `in` is
/// kept as [in, out], so that a vector register runs over outputs; `state_dict` keeps its shape. A
/// few outputs do not fill a register: they are dot products over long inputs, [out, in] as it is.
constexpr Tape with_vector_layout(Tape tape) {
  for (std::size_t p = 0; p < tape.size(); ++p) {
    if (tape.code[p].op == Op::parameter && tape.code[p].shape.rank == 3) {
      detail::store_kernel_of_sequences(tape, static_cast<int>(p));
    }
  }
  for (std::size_t p = 0; p < tape.size(); ++p) {
    if (tape.code[p].op != Op::parameter || tape.code[p].shape.rank != 2) continue;
    const int matrix = static_cast<int>(p);
    const bool by_last = detail::all_uses(tape, matrix, [&](const Instruction& use) {
      return detail::contracts_last(use, matrix);
    });
    const Dims shape = tape.code[p].shape;
    if (!by_last || detail::by_dots(shape)) continue;
    tape.code[p].shape = Dims{2, {shape[1], shape[0]}};
    tape.parameters[tape.code[p].attr.index].transposed = true;
    for (Instruction& use : tape.code) {
      if (use.args[0] == matrix) use.attr.transpose_a = !use.attr.transpose_a;
      if (use.args[1] == matrix) use.attr.transpose_b = !use.attr.transpose_b;
    }
  }
  return tape;
}

/// Products of one term, x of one feature with its weights, say, written as what they are: then
/// they join a chain. For inference; of a product the gradient is cheaper.
constexpr Tape with_single_terms_elementwise(const Tape& tape) {
  Tape result{.batch = tape.batch, .origin = tape.origin, .parameters = tape.parameters};
  detail::Table<int> place(tape.size(), -1);
  const auto moved = [&](int i) { return i < 0 ? i : place[static_cast<std::size_t>(i)]; };
  for (std::size_t i = 0; i < tape.size(); ++i) {
    Instruction copy = tape.code[i];
    for (int& arg : copy.args) arg = moved(arg);
    const bool product = copy.op == Op::matmul && copy.shape.rank == 2 && !copy.attr.over_batch;
    if (!product || result[copy.args[0]].shape.size() != copy.shape[0]) {
      place[i] = result.push(copy);
      continue;
    }
    const Value column = reshape({&result, copy.args[0]}, Dims{2, {copy.shape[0], 1}});
    const Value row = reshape({&result, copy.args[1]}, Dims{2, {1, copy.shape[1]}});
    place[i] = (broadcast(column, copy.shape) * broadcast(row, copy.shape)).id;
  }
  for (const int output : tape.outputs) result.outputs.push_back(moved(output));
  return result;
}

/// Floating-point operations of one instruction: two a multiply-add, one an elementwise op.
constexpr std::size_t flops(const Tape& tape, const Instruction& i) {
  bool per_sample = i.batched;
  for (const int arg : i.args) per_sample = per_sample || (arg >= 0 && tape[arg].batched);
  const std::size_t samples = per_sample ? tape.batch : 1;
  const auto size_of_arg = [&](std::size_t k) { return tape[i.args[k]].shape.size(); };
  switch (i.op) {
    case Op::matmul: {
      const Dims& a = tape[i.args[0]].shape;
      return samples * 2 * i.shape.size() * (i.attr.transpose_a ? a.back(1) : a.back(0));
    }
    case Op::conv1d: return samples * 2 * i.shape.size() * (size_of_arg(1) / i.shape[1]);
    case Op::conv2d:
      return samples * 2 * i.shape.size() * (size_of_arg(1) / tape[i.args[1]].shape[0]);
    case Op::conv2d_input_gradient:
      return samples * 2 * size_of_arg(0) * (size_of_arg(1) / tape[i.args[1]].shape[0]);
    case Op::conv2d_weight_gradient:
      return samples * 2 * size_of_arg(0) * (i.shape.size() / i.shape[0]);
    case Op::max_pool2d: case Op::avg_pool2d: case Op::max_pool2d_gradient:
    case Op::avg_pool2d_gradient: case Op::max_pool2d_pick:
      return samples * i.shape.size() * i.attr.kernel[0] * i.attr.kernel[1];
    case Op::sum: case Op::max_reduce: return samples * size_of_arg(0);
    case Op::softmax: case Op::log_softmax: return samples * 4 * i.shape.size();
    default: return info(i.op).kind == OpKind::elementwise ? samples * i.shape.size() : 0;
  }
}

constexpr std::size_t flops(const Tape& tape) {
  std::size_t total = 0;
  for (const Instruction& i : tape.code) total += flops(tape, i);
  return total;
}

}  // namespace etch
