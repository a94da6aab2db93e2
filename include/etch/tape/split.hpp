// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include "etch/tape/gradient.hpp"
#include "etch/tape/passes.hpp"
#include "etch/tape/view.hpp"

// Training runs a tape in two halves, with other tapes in between: forward, which keeps what is
// needed later, and backward, which reads it.

namespace etch {

/// forward:  input 0 = x; outputs: y, then what is kept.
/// backward: input 0 = x, 1 = gradient of y, 2 = y, 3.. = what was kept; outputs: the gradient of
/// each parameter in the order of the table, then (if asked for) that of x.
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
      return true;
    default: return info(op).kind == OpKind::movement || info(op).kind == OpKind::leaf;
  }
}

/// Decides which values of the forward half (instructions before `end`) the rest keeps: a value the
/// rest reads is recomputed if that is cheap and takes nothing that is not at hand anyway.
constexpr std::vector<int> values_to_keep(const Tape& tape, std::size_t end, int y) {
  Table<char> at_hand(end, 0);
  std::vector<int> kept;
  Table<char> read(end, 0);
  for (std::size_t i = end; i < tape.size(); ++i) {
    for (const int arg : tape.code[i].args) {
      if (arg >= 0 && static_cast<std::size_t>(arg) < end) read[static_cast<std::size_t>(arg)] = 1;
    }
  }
  // A view of something is kept by keeping what it looks at.
  for (std::size_t i = end; i-- > 0;) {
    if (read[i] == 0 || info(tape.code[i].op).kind != OpKind::movement) continue;
    read[static_cast<std::size_t>(tape.code[i].args[0])] = 1;
  }
  for (std::size_t i = 0; i < end; ++i) {
    const Instruction& instruction = tape.code[i];
    bool derivable = is_cheap(instruction.op) || static_cast<int>(i) == y;
    if (static_cast<int>(i) != y) {
      for (const int arg : instruction.args) {
        derivable = derivable && (arg < 0 || at_hand[static_cast<std::size_t>(arg)] != 0);
      }
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
/// Where each parameter of the table stands; one that y does not depend on is put on the tape
/// again, for it too has a gradient.
constexpr std::vector<int> all_parameters(Tape& tape) {
  std::vector<int> found = leaves(tape, Op::parameter);
  for (std::size_t row = 0; row < tape.parameters.size(); ++row) {
    if (row == found.size()) found.push_back(-1);
    if (found[row] >= 0) continue;
    found[row] = tape.push({.op = Op::parameter,
                            .shape = tape.parameters[row].shape,
                            .attr = {.index = row}});
  }
  return found;
}
}  // namespace detail

/// The joint tape of both halves. Inputs: x, the gradient of y. Outputs: y, then the gradients of
/// the parameters in the order of the table, then (if asked for) that of x. What stands before the
/// second input is the forward half. The tape given is tidy.
constexpr Tape joint_tape(Tape joint, bool wants_input_gradient) {
  const int output = joint.outputs[0];
  std::vector<int> wanted = detail::all_parameters(joint);
  const int g = joint.push(detail::as_input(joint[output], 1));
  if (wants_input_gradient) wanted.push_back(leaves(joint, Op::input)[0]);
  joint.outputs = differentiate(joint, {output}, {g}, wanted);
  if (wants_input_gradient) {  // where nothing flows, a zero that exists once
    int& of_x = joint.outputs.back();
    of_x = detail::for_each_sample({&joint, of_x}).id;
  }
  joint.outputs.insert(joint.outputs.begin(), output);
  return tidied(joint, true);
}

namespace detail {

/// The place of y, or of what it is stored as: shapes may differ, the bytes are the same.
constexpr int stored_result(const Tape& joint) { return storage_of(joint, joint.outputs[0]); }

constexpr std::vector<int> kept_values(const Tape& joint) {
  const auto end = static_cast<std::size_t>(leaves(joint, Op::input)[1]);
  return values_to_keep(joint, end, stored_result(joint));
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
  if (has_y) joint[y] = detail::as_input(joint[y], 2);
  for (std::size_t k = 0; k < kept.size(); ++k) {
    joint[kept[k]] = detail::as_input(joint[kept[k]], 3 + k);
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
