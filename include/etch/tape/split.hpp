// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include "etch/tape/gradient.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"
#include "etch/tape/view.hpp"

// Training runs a tape in two halves, with other tapes in between: forward, which keeps what is
// needed later, and backward, which reads it.

namespace etch {

/// Inputs have the same places on both, see TrainingInput: x, the gradient of y, y, the weight of
/// each sample, keys of random numbers, then what was kept. Each tape reads what it needs of them.
/// forward:  outputs y, then what is kept.
/// backward: outputs, in the order of the table, the gradient of each parameter and the new value
/// of each buffer, then (if asked for) the gradient of x. Of a frozen parameter there is nothing.
struct TrainingTapes {
  Tape forward;
  Tape backward;
};

namespace detail {

/// Ops whose recomputation costs less than a trip through memory.
constexpr bool is_cheap(Op op) {
  switch (op) {
    case Op::neg: case Op::abs: case Op::relu: case Op::add: case Op::sub: case Op::mul:
    case Op::max: case Op::min: case Op::less: case Op::less_equal: case Op::equal: case Op::where:
    case Op::random:
      return true;
    default: return info(op).kind == OpKind::movement || info(op).kind == OpKind::leaf;
  }
}

/// The argument that is no leaf, if there is exactly one; else -1.
constexpr int only_computed_argument(const Tape& tape, const Instruction& i) {
  int only = -1;
  for (const int arg : i.args) {
    if (arg < 0 || arg == only || info(tape[arg].op).kind == OpKind::leaf) continue;
    if (only >= 0) return -1;
    only = arg;
  }
  return only;
}

/// Decides which values of the first part (instructions before `end`) the rest keeps: a value the
/// rest reads is recomputed if that is cheap and takes nothing that is not at hand anyway, as what
/// is `stored` is. Of the outputs those from `first_output` on are the rest's.
constexpr std::vector<int> values_to_keep(const Tape& tape, std::size_t end,
                                          const std::vector<int>& stored,
                                          std::size_t first_output) {
  Table<char> at_hand(end, 0);
  std::vector<int> kept;
  Table<char> read(end, 0);
  for (const int value : stored) at_hand[static_cast<std::size_t>(value)] = 1;
  const auto reads = [&](int value) {
    const auto at = static_cast<std::size_t>(value);
    if (value >= 0 && at < end) read[at] = 1;
  };
  for (std::size_t i = end; i < tape.size(); ++i) {
    for (const int arg : tape.code[i].args) reads(arg);
  }
  for (std::size_t k = first_output; k < tape.outputs.size(); ++k) reads(tape.outputs[k]);
  // A view of something is kept by keeping what it looks at, and several cheap functions of one
  // value by keeping that.
  Table<int> wanted(end, 0);
  for (std::size_t i = end; i-- > 0;) {
    if (wanted[i] > 1) read[i] = 1;
    if (read[i] == 0 || !is_cheap(tape.code[i].op)) continue;
    const int only = only_computed_argument(tape, tape.code[i]);
    if (only < 0) continue;
    const bool view = info(tape.code[i].op).kind == OpKind::movement;
    wanted[static_cast<std::size_t>(only)] += view ? 2 : 1;
  }
  for (std::size_t i = 0; i < end; ++i) {
    if (at_hand[i] != 0) continue;
    const Instruction& instruction = tape.code[i];
    bool derivable = is_cheap(instruction.op);
    for (const int arg : instruction.args) {
      derivable = derivable && (arg < 0 || at_hand[static_cast<std::size_t>(arg)] != 0);
    }
    if (!derivable && read[i] != 0 && info(instruction.op).kind != OpKind::movement) {
      kept.push_back(static_cast<int>(i));
      derivable = true;
    }
    at_hand[i] = derivable ? 1 : 0;
  }
  return kept;
}

constexpr Instruction as_input(const Instruction& value, std::size_t index) {
  Instruction input;
  input.op = Op::input;
  input.batched = value.batched;
  input.shape = value.shape;
  input.attr.index = index;
  return input;
}

}  // namespace detail

namespace detail {
/// Where each trained parameter stands; one that y does not depend on is put on the tape again, for
/// it too has a gradient.
constexpr std::vector<int> trained_parameters(Tape& tape) {
  const std::vector<int> found = leaves(tape, Op::parameter);
  std::vector<int> result;
  for (std::size_t row = 0; row < tape.parameters.size(); ++row) {
    if (tape.parameters[row].role != Role::trained) continue;
    if (row < found.size() && found[row] >= 0) {
      result.push_back(found[row]);
    } else {
      result.push_back(tape.push({.op = Op::parameter,
                                  .shape = tape.parameters[row].shape,
                                  .attr = {.index = row}}));
    }
  }
  return result;
}

/// `gradients` of the trained parameters and `renewed` values of the buffers, in the order of the
/// table.
constexpr std::vector<int> in_order_of_table(const Tape& tape, const std::vector<int>& gradients,
                                             const std::vector<int>& renewed) {
  std::vector<int> result;
  std::size_t g = 0, b = 0;
  for (const ParameterInfo& p : tape.parameters) {
    if (p.role == Role::trained) result.push_back(gradients[g++]);
    if (p.role == Role::buffer) result.push_back(renewed[b++]);
  }
  return result;
}
}  // namespace detail

/// The joint tape of both halves. Outputs: y, then those of the backward half. What stands before
/// the gradient of y is the forward half. The tape given is tidy; its outputs are y and the new
/// values of the buffers.
constexpr Tape joint_tape(Tape joint, bool wants_input_gradient) {
  const int output = joint.outputs[0];
  const std::vector<int> renewed(joint.outputs.begin() + 1, joint.outputs.end());
  std::vector<int> wanted = detail::trained_parameters(joint);
  const int g = joint.push(detail::as_input(joint[output], TrainingInput::of_gradient));
  if (wants_input_gradient) wanted.push_back(leaves(joint, Op::input)[TrainingInput::of_x]);
  const std::vector<int> gradients = differentiate(joint, {output}, {g}, wanted);
  joint.outputs = detail::in_order_of_table(joint, gradients, renewed);
  if (wants_input_gradient) {  // where nothing flows, a zero that exists once
    joint.outputs.push_back(detail::for_each_sample({&joint, gradients.back()}).id);
  }
  joint.outputs.insert(joint.outputs.begin(), output);
  return tidied(joint, true);
}

namespace detail {

/// The place of y, or of what it is stored as: shapes may differ, the bytes are the same.
constexpr int stored_result(const Tape& joint) { return storage_of(joint, joint.outputs[0]); }

constexpr std::vector<int> kept_values(const Tape& joint) {
  const auto end = static_cast<std::size_t>(leaves(joint, Op::input)[TrainingInput::of_gradient]);
  return values_to_keep(joint, end, {stored_result(joint)}, 1);
}

}  // namespace detail

constexpr Tape forward_half(Tape joint) {
  const std::vector<int> kept = detail::kept_values(joint);
  joint.outputs.resize(1);
  for (const int value : kept) joint.outputs.push_back(value);
  return without_dead_code(joint);
}

constexpr Tape backward_half(Tape joint) {
  const std::vector<int> kept = detail::kept_values(joint);
  const int y = detail::stored_result(joint);
  const bool has_y = joint[y].op != Op::input && joint[y].op != Op::parameter;
  if (has_y) joint[y] = detail::as_input(joint[y], TrainingInput::of_y);
  for (std::size_t k = 0; k < kept.size(); ++k) {
    joint[kept[k]] = detail::as_input(joint[kept[k]], TrainingInput::first_kept_input + k);
  }
  joint.outputs.erase(joint.outputs.begin());
  return without_dead_code(joint);
}

/// `tape` has one batched input and one batched output.
constexpr TrainingTapes split_for_training(const Tape& tape, bool wants_input_gradient) {
  const Tape joint = joint_tape(tidied(tape, true), wants_input_gradient);
  return {forward_half(joint), backward_half(joint)};
}

}  // namespace etch
