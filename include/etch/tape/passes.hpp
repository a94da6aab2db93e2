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
  // Those met are kept by op and first arguments, latest first: keeps the search short.
  const std::size_t drawers = tape.size() + op_count;
  Table<int> latest(drawers, 0);  // one more than the place, so that zero is none
  Table<int> before(tape.size(), 0);
  for (std::size_t i = 0; i < tape.size(); ++i) {
    Instruction& instruction = tape.code[i];  // earlier ones already name what stands for them
    for (int& arg : instruction.args) {
      if (arg >= 0) arg = same[static_cast<std::size_t>(arg)];
    }
    const auto key = static_cast<std::size_t>(instruction.op) +
                     7 * static_cast<std::size_t>(instruction.args[0] + 1) +
                     31 * static_cast<std::size_t>(instruction.args[1] + 1);
    int& newest = latest[key % drawers];
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
/// Who reads each value: looked up once, for a walk over all instructions per value adds up.
class Uses {
 public:
  constexpr explicit Uses(const Tape& tape)
      : tape_(tape), first_(tape.size(), -1), next_(3 * tape.size(), -1) {
    for (std::size_t i = tape.size(); i-- > 0;) {
      for (std::size_t k = 0; k < 3; ++k) {
        const int arg = tape.code[i].args[k];
        if (arg < 0) continue;
        int& first = first_[static_cast<std::size_t>(arg)];
        next_[3 * i + k] = first;
        first = static_cast<int>(3 * i + k);
      }
    }
  }

  /// The first instruction that reads a value, or -1.
  constexpr int first(int value) const {
    const int use = first_[static_cast<std::size_t>(value)];
    return use < 0 ? -1 : use / 3;
  }

  /// Whether everything that reads a value is as `is_right` says; false if nothing does.
  template <class F> constexpr bool all(int value, const F& is_right) const {
    int use = first_[static_cast<std::size_t>(value)];
    if (use < 0) return false;
    for (; use >= 0; use = next_[static_cast<std::size_t>(use)]) {
      if (!is_right(tape_[use / 3])) return false;
    }
    for (const int output : tape_.outputs) {
      if (output == value) return false;
    }
    return true;
  }

  template <class F> constexpr void for_each(int value, const F& f) const {
    int use = first_[static_cast<std::size_t>(value)];
    for (; use >= 0; use = next_[static_cast<std::size_t>(use)]) f(use / 3);
  }

 private:
  const Tape& tape_;
  Table<int> first_, next_;
};

/// Kernels [O, C, k] of sequences are kept as [C, k, O]: step by step, vectors run over outputs.
constexpr void store_kernel_of_sequences(Tape& tape, int kernel, const Uses& uses) {
  const int image = uses.first(kernel);  // [O, C, 1, k], which convolutions take
  if (image < 0 || tape[image].op != Op::reshape) return;
  bool one = true;
  uses.for_each(kernel, [&](int use) { one = one && use == image; });
  const bool of_sequences = uses.all(image, [&](const Instruction& use) {
    return use.op == Op::conv2d && use.args[1] == image && use.attr.groups == 1 &&
           tape[use.args[0]].shape[1] == 1;
  });
  const Dims shape = tape[image].shape;
  if (!one || !of_sequences || shape[0] == 1) return;  // of one output they are that already
  tape[kernel].shape = Dims{4, {shape[1], shape[2], shape[3], shape[0]}};
  tape.parameters[tape[kernel].attr.index].transposed = true;
  tape[image].op = Op::permute;
  tape[image].attr.order = {{3, 0, 1}, {2}};
}

/// A product of one sample has the matrix on the left and a single column on the right.
constexpr bool runs_over_outputs(const Instruction& use, int matrix) {
  return use.args[1] == matrix || use.shape.back(0) == 1;
}
}  // namespace detail

/// Whether an instruction makes [O, C, kh, kw] of a parameter that is stored as [C, kh, kw, O].
template <class AnyTape> constexpr bool turns_kernel(const AnyTape& tape, const Instruction& i) {
  return i.op == Op::permute && i.attr.order == Array6<std::size_t>{{3, 0, 1}, {2}} &&
         tape[i.args[0]].op == Op::parameter;
}

/// Decides how matrices are stored. A parameter [out, in] that is only ever contracted over `in` is
/// kept as [in, out], so that a vector register runs over outputs; `state_dict` keeps its shape. A
/// few outputs do not fill a register: they are dot products over long inputs, [out, in] as it is.
constexpr Tape with_vector_layout(Tape tape) {
  const detail::Uses uses(tape);
  for (std::size_t p = 0; p < tape.size(); ++p) {
    if (tape.code[p].op == Op::parameter && tape.code[p].shape.rank == 3) {
      detail::store_kernel_of_sequences(tape, static_cast<int>(p), uses);
    }
  }
  for (std::size_t p = 0; p < tape.size(); ++p) {
    if (tape.code[p].op != Op::parameter || tape.code[p].shape.rank != 2) continue;
    const int matrix = static_cast<int>(p);
    const Dims shape = tape.code[p].shape;
    const bool small = tape.parameters[tape.code[p].attr.index].type != NumberType::f32;
    const bool by_last = uses.all(matrix, [&](const Instruction& use) {
      return detail::contracts_last(use, matrix) &&
             (!small || detail::runs_over_outputs(use, matrix));
    });
    const bool vector = shape[0] == 1 || shape[1] == 1;  // its product is another one transposed
    if (!by_last || (small ? vector : detail::by_dots(shape))) continue;
    tape.code[p].shape = Dims{2, {shape[1], shape[0]}};
    tape.parameters[tape.code[p].attr.index].transposed = true;
    uses.for_each(matrix, [&](int use) {
      bool& transposed = tape[use].args[0] == matrix ? tape[use].attr.transpose_a
                                                     : tape[use].attr.transpose_b;
      transposed = !transposed;
    });
  }
  return tape;
}

/// Convolutions read kernels as with_vector_layout stores those of sequences, outputs last, and not
/// a copy that is turned in every call. For inference, in which kernels are parameters.
constexpr Tape with_kernels_as_stored(Tape tape) {
  for (Instruction& i : tape.code) {
    if (i.op != Op::conv2d || !turns_kernel(tape, tape[i.args[1]])) continue;
    i.args[1] = tape[i.args[1]].args[0];
    i.attr.transpose_b = true;
  }
  return tidied(std::move(tape), true);
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
      return samples * 2 * i.shape.size() * (size_of_arg(1) / i.shape[0]);
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
