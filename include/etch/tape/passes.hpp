// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include "etch/tape/tape.hpp"

namespace etch {

namespace detail {
/// Copies the instructions for which keep[i] != 0 and points every argument at the new place of
/// what replaced[i] says stands for it.
constexpr Tape rebuilt(const Tape& tape, const std::vector<char>& keep,
                       const std::vector<int>& replaced) {
  Tape result{.batch = tape.batch, .code = {}, .parameters = tape.parameters, .outputs = {}};
  result.code.reserve(tape.size());
  std::vector<int> place = filled(tape.size(), -1);
  const auto moved = [&](int i) {
    return i < 0 ? i : place[static_cast<std::size_t>(replaced[static_cast<std::size_t>(i)])];
  };
  for (std::size_t i = 0; i < tape.size(); ++i) {
    if (keep[i] == 0) continue;
    Instruction instruction = tape.code[i];
    for (int& arg : instruction.args) arg = moved(arg);
    place[i] = result.push(instruction);
  }
  for (const int output : tape.outputs) result.outputs.push_back(moved(output));
  return result;
}

constexpr std::vector<int> identity(std::size_t n) {
  std::vector<int> result;
  for (std::size_t i = 0; i < n; ++i) result.push_back(static_cast<int>(i));
  return result;
}
}  // namespace detail

/// Drops instructions that no output depends on; inputs stay if asked for. The parameter table
/// stays whole: it is the network's, whether or not this tape reads all of it.
constexpr Tape without_dead_code(const Tape& tape, bool keep_inputs = false) {
  auto live = detail::filled<char>(tape.size(), 0);
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
  return detail::rebuilt(tape, live, detail::identity(tape.size()));
}

/// Computes equal subexpressions once: an instruction that equals an earlier one, arguments
/// included, is replaced by it.
constexpr Tape without_common_subexpressions(Tape tape) {
  auto keep = detail::filled<char>(tape.size(), 1);
  std::vector<int> same = detail::identity(tape.size());
  std::vector<std::vector<int>> seen(op_count);  // by op: keeps the search short
  for (std::size_t i = 0; i < tape.size(); ++i) {
    Instruction& instruction = tape.code[i];  // earlier ones already name what stands for them
    for (int& arg : instruction.args) {
      if (arg >= 0) arg = same[static_cast<std::size_t>(arg)];
    }
    auto& candidates = seen[static_cast<std::size_t>(instruction.op)];
    for (const int j : candidates) {
      if (tape[j].args == instruction.args && tape[j] == instruction) {
        same[i] = j;
        keep[i] = 0;
        break;
      }
    }
    if (keep[i] != 0) candidates.push_back(static_cast<int>(i));
  }
  return detail::rebuilt(tape, keep, same);
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

/// Decides how matrices are stored. A parameter [out, in] that is only ever contracted over `in` is
/// kept as [in, out], so that a vector register runs over outputs; `state_dict` keeps its shape. A
/// few outputs do not fill a register: they are dot products over long inputs, [out, in] as it is.
constexpr Tape with_vector_layout(Tape tape) {
  for (std::size_t p = 0; p < tape.size(); ++p) {
    if (tape.code[p].op != Op::parameter || tape.code[p].shape.rank != 2) continue;
    const int matrix = static_cast<int>(p);
    bool all = true, any = false;
    for (const Instruction& use : tape.code) {
      if (use.args[0] != matrix && use.args[1] != matrix && use.args[2] != matrix) continue;
      any = true;
      all = all && detail::contracts_last(use, matrix);
    }
    for (const int output : tape.outputs) all = all && output != matrix;
    const Dims shape = tape.code[p].shape;
    if (!any || !all || detail::by_dots(shape)) continue;
    tape.code[p].shape = Dims{2, {shape[1], shape[0]}};
    tape.parameters[tape.code[p].attr.index].transposed = true;
    for (Instruction& use : tape.code) {
      if (use.args[0] == matrix) use.attr.transpose_a = !use.attr.transpose_a;
      if (use.args[1] == matrix) use.attr.transpose_b = !use.attr.transpose_b;
    }
  }
  return tape;
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
