// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/network/parameter_table.hpp"
#include "etch/tape/fuse.hpp"
#include "etch/tape/gradient.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"
#include "etch/tape/split.hpp"

// Tapes of a whole network and its derivatives for one sample. They differentiate the formulas of
// inference, and nothing for the parameters.

namespace etch {

namespace detail {

/// The loss of what a network makes of x.
template <class Net, class Loss> struct LossOf {
  template <Expr X, Expr T> static constexpr auto formula(X x, T t) {
    return Loss::formula(LayersOf<Net>::formula(x), t);
  }
};

/// Inputs: x, target. Outputs: the loss. Differentiated or not, it is stored as the network is.
template <class Net, class Loss> constexpr Tape loss_tape() {
  using Target = typename Loss::template Target<OutputShape<Net>>;
  return tidied(lower<LossOf<Net, Loss>, InputShape<Net>, Target>(), true);
}

/// The derivative of a scalar for input 0.
constexpr Value slope_at_input(Tape& tape, Value y) {
  const int seed = number(y, 1).id;
  const int x = leaves(tape, Op::input)[0];
  return {&tape, differentiate(tape, {y.id}, {seed}, {x})[0]};
}

/// Matrices are stored as inference wants them: only then are products for the way back added.
constexpr Tape finished(const Tape& tape) { return with_distinct_outputs(tidied(tape)); }

template <class Net> constexpr Room room_of_network(std::size_t times) {
  return {times * 8 * mp::mp_size<Net>::value + 32, parameter_table<Net>.size() + 4};
}

}  // namespace detail

/// Whether a tape of a whole network has its parameters in the rows and the layout of the network,
/// as floats.
template <class Net, const auto& tape>
inline constexpr bool same_storage = [] {
  if (tape.parameters.size() != parameter_table<Net>.size()) return false;
  for (std::size_t row = 0; row < tape.parameters.size(); ++row) {
    const ParameterInfo& info = tape.parameters[row];
    if (info.type != NumberType::f32 || !(info == parameter_table<Net>[row].info)) return false;
  }
  return true;
}();

/// Inputs: x, target. Outputs: the loss, its gradient for x.
template <class Net, class Loss> struct InputGradientTape {
  constexpr Tape operator()() const {
    Tape tape = with_vector_layout(detail::loss_tape<Net, Loss>());
    const Value loss{&tape, tape.outputs[0]};
    tape.outputs.push_back(detail::for_each_sample(detail::slope_at_input(tape, loss)).id);
    return detail::finished(tape);
  }
  static constexpr Room room() { return detail::room_of_network<Net>(3); }
};

/// Inputs: x, target, v. Outputs: the loss, its Hessian for x times v.
template <class Net, class Loss> struct HessianVectorTape {
  constexpr Tape operator()() const {
    Tape tape = with_vector_layout(detail::loss_tape<Net, Loss>());
    const Value loss{&tape, tape.outputs[0]};
    const Value slope = detail::for_each_sample(detail::slope_at_input(tape, loss));
    const Dims shape = InputShape<Net>::dims;
    const Value v{&tape, tape.push({.op = Op::input, .batched = true, .shape = shape,
                                    .attr = {.index = 2}})};
    const std::size_t all_axes = (std::size_t{1} << shape.rank) - 1;
    const Value along = detail::slope_at_input(tape, sum(slope * v, all_axes));
    tape.outputs.push_back(detail::for_each_sample(along).id);
    return detail::finished(tape);
  }
  static constexpr Room room() { return detail::room_of_network<Net>(8); }
};

namespace detail {
/// As joint_tape, in inference and only for x.
template <class Net> struct NetworkJointTape {
  constexpr Tape operator()() const {
    Tape tape = lower<LayersOf<Net>, InputShape<Net>>();
    tape = with_vector_layout(tidied(tape, true));
    const int y = tape.outputs[0];
    const int g = tape.push(as_input(tape[y], TrainingInput::of_gradient));
    const int x = leaves(tape, Op::input)[TrainingInput::of_x];
    const int dx = differentiate(tape, {y}, {g}, {x})[0];
    tape.outputs.push_back(for_each_sample({&tape, dx}).id);
    return tidied(tape, true);
  }
  static constexpr Room room() { return room_of_network<Net>(3); }
};
template <class Net> inline constexpr auto network_joint = freeze<NetworkJointTape<Net>{}>();
}  // namespace detail

/// Inputs and outputs as those of TrainingTapes, but no gradients of parameters.
template <class Net> struct NetworkForwardTape {
  constexpr Tape operator()() const {
    return with_distinct_outputs(forward_half(detail::network_joint<Net>.thaw()));
  }
  static constexpr Room room() { return detail::room_of_network<Net>(2); }
};
template <class Net> struct NetworkBackwardTape {
  constexpr Tape operator()() const {
    return with_distinct_outputs(backward_half(detail::network_joint<Net>.thaw()));
  }
  static constexpr Room room() { return detail::room_of_network<Net>(3); }
};

}  // namespace etch
