// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "etch/tape/split.hpp"

// One step of a recurrence in training. Its tape has the inputs x and states, the outputs y and new
// states. Back through time only the gradients of the states have to go step by step; what else is
// wanted, above all the gradients of the parameters, is computed afterwards for all steps at once,
// as if they were samples.

namespace etch {

/// The places that inputs have on the tapes of a step with so many states.
struct StepInputs {
  std::size_t states;

  static constexpr std::size_t x() { return 0; }
  constexpr std::size_t state(std::size_t k) const { return 1 + k; }
  /// Of result k: y, then the new states.
  constexpr std::size_t gradient(std::size_t k) const { return 1 + states + k; }
  constexpr std::size_t result(std::size_t k) const { return 2 + 2 * states + k; }
  constexpr std::size_t first_kept() const { return 3 + 3 * states; }
};

/// forward:  outputs y, new states, what is kept.
/// backward: outputs the gradients of the states before, what is kept for `deferred`.
/// deferred: outputs the gradients of the trained parameters, and (if asked for) of x.
struct StepTapes {
  Tape forward;
  Tape backward;
  Tape deferred;
  std::size_t kept = 0;  ///< values that forward keeps; those of backward have the next inputs
};

namespace detail {

constexpr void replace_by_input(Tape& tape, int value, std::size_t index) {
  tape[value] = as_input(tape[value], index);
}

/// `wanted` outputs first, and the instructions that they need first; returns how many those are.
constexpr std::size_t move_to_front(Tape& tape, std::size_t wanted) {
  Tape front = tape;
  front.outputs.resize(wanted);
  Table<char> needed(tape.size(), 0);
  for (const int output : front.outputs) needed[static_cast<std::size_t>(output)] = 1;
  for (std::size_t i = tape.size(); i-- > 0;) {
    if (needed[i] == 0) continue;
    for (const int arg : tape.code[i].args) {
      if (arg >= 0) needed[static_cast<std::size_t>(arg)] = 1;
    }
  }
  std::vector<Instruction> code;
  Table<int> place(tape.size(), -1);
  std::size_t end = 0;
  for (const char first : {char{1}, char{0}}) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
      if (needed[i] != first) continue;
      place[i] = static_cast<int>(code.size());
      code.push_back(tape.code[i]);
    }
    if (first == 1) end = code.size();
  }
  const auto moved = [&](int i) { return i < 0 ? i : place[static_cast<std::size_t>(i)]; };
  for (Instruction& i : code) {
    for (int& arg : i.args) arg = moved(arg);
  }
  for (int& output : tape.outputs) output = moved(output);
  tape.code = std::move(code);
  return end;
}

constexpr void keep_outputs(Tape& tape, std::size_t count, const std::vector<int>& kept) {
  tape.outputs.resize(count);
  for (const int value : kept) tape.outputs.push_back(value);
}

}  // namespace detail

/// `step` is tidy and has all of its inputs.
constexpr StepTapes split_step(const Tape& step, bool wants_input_gradient) {
  Tape joint = step;
  const std::size_t results = step.outputs.size(), states = results - 1;
  const StepInputs inputs{states};
  std::vector<int> wanted;
  const std::vector<int> found = leaves(joint, Op::input);
  for (std::size_t k = 0; k < states; ++k) wanted.push_back(found[inputs.state(k)]);
  for (const int p : detail::trained_parameters(joint)) wanted.push_back(p);
  if (wants_input_gradient) wanted.push_back(found[StepInputs::x()]);
  std::vector<int> seeds;
  for (std::size_t k = 0; k < results; ++k) {
    seeds.push_back(joint.push(detail::as_input(joint[joint.outputs[k]], inputs.gradient(k))));
  }
  const std::vector<int> gradients = differentiate(joint, step.outputs, seeds, wanted);
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    const bool per_sample = k < states || (wants_input_gradient && k + 1 == gradients.size());
    const Value g{&joint, gradients[k]};
    joint.outputs.push_back(per_sample ? detail::for_each_sample(g).id : g.id);
  }
  joint = tidied(joint, true);

  StepTapes tapes;
  std::vector<int> stored;
  for (std::size_t k = 0; k < results; ++k) stored.push_back(storage_of(joint, joint.outputs[k]));
  const auto end =
      static_cast<std::size_t>(leaves(joint, Op::input)[inputs.gradient(0)]);
  const std::vector<int> kept = detail::values_to_keep(joint, end, stored, results);
  tapes.kept = kept.size();
  tapes.forward = joint;
  detail::keep_outputs(tapes.forward, results, kept);
  tapes.forward = without_dead_code(tapes.forward);

  for (std::size_t k = results; k-- > 0;) {  // y, where it is also a state, is called y
    const Op op = joint[stored[k]].op;
    if (op == Op::parameter || op == Op::constant) continue;
    if (op == Op::input && joint[stored[k]].attr.index < inputs.gradient(0)) continue;
    detail::replace_by_input(joint, stored[k], inputs.result(k));
  }
  for (std::size_t k = 0; k < kept.size(); ++k) {
    detail::replace_by_input(joint, kept[k], inputs.first_kept() + k);
  }
  joint.outputs.erase(joint.outputs.begin(),
                      joint.outputs.begin() + static_cast<std::ptrdiff_t>(results));
  joint = without_dead_code(joint);
  const std::size_t recurrent = detail::move_to_front(joint, states);
  const std::vector<int> kept_back = detail::values_to_keep(joint, recurrent, {}, states);
  tapes.backward = joint;
  detail::keep_outputs(tapes.backward, states, kept_back);
  tapes.backward = without_dead_code(tapes.backward);
  for (std::size_t k = 0; k < kept_back.size(); ++k) {
    detail::replace_by_input(joint, kept_back[k], inputs.first_kept() + kept.size() + k);
  }
  joint.outputs.erase(joint.outputs.begin(),
                      joint.outputs.begin() + static_cast<std::ptrdiff_t>(states));
  tapes.deferred = without_dead_code(joint);
  return tapes;
}

}  // namespace etch
