// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "etch/network/network.hpp"
#include "etch/tape/fuse.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"
#include "etch/tape/small_numbers.hpp"
#include "etch/tape/split.hpp"

// The tapes of a block of layers.

namespace etch {

/// The tape all others of a block are made from.
template <class Layers, class S> struct FormulaTape {
  constexpr Tape operator()() const {
    return with_distinct_outputs(
        with_scales(with_vector_layout(tidied(lower<Layers, S>(), true))));
  }
};

namespace detail {
/// What a formula reads in inference: x alone, and one sample at a time.
template <class AnyTape> constexpr bool reads_one_sample(const AnyTape& tape) {
  for (const Instruction& i : tape.code) {
    if (i.op == Op::input && i.attr.index != 0) return false;
    if (i.attr.over_batch) return false;
  }
  return true;
}
/// What a formula gives buffers in training: values that are not those of a sample.
template <class AnyTape> constexpr bool renews_for_all(const AnyTape& tape) {
  for (std::size_t k = 1; k < tape.outputs.size(); ++k) {
    if (tape[tape.outputs[k]].batched) return false;
  }
  return true;
}
template <bool ok, class Layers> inline constexpr bool phases_apart = ok;
template <bool ok, class Layers> inline constexpr bool names_agree = ok;

template <class Layers, class S>
inline constexpr auto formula_tape = [] {
  constexpr auto tape = freeze<FormulaTape<Layers, S>{}>();
  static_assert(names_agree<!tape.origin.ambiguous, Layers>,
                "etch: one name stands for two taps, or for two tensors of different shapes");
  static_assert(phases_apart<reads_one_sample(tape), Layers>,
                "etch: random numbers, sample weights and sums over the batch belong to training: "
                "by_phase(training, inference)");
  return tape;
}();
}  // namespace detail

/// The formula in training, where it is another one; outputs: y, then new values of the buffers.
template <class Layers, class S> struct TrainingFormulaTape {
  constexpr Tape operator()() const {
    const std::vector<ParameterInfo> table = detail::formula_tape<Layers, S>.thaw().parameters;
    Tape tape = tidied(lower<Layers, S>(1, Phase::training, table), true);
    for (ParameterInfo& p : tape.parameters) p.transposed = false;
    return with_vector_layout(tape);
  }
  static constexpr Room room() {
    return {3 * detail::formula_tape<Layers, S>.size() + 16,
            detail::formula_tape<Layers, S>.parameters.size() + 4};
  }
};

namespace detail {
template <class Layers, class S>
inline constexpr auto training_formula_tape = [] {
  constexpr auto tape = freeze<TrainingFormulaTape<Layers, S>{}>();
  static_assert(phases_apart<renews_for_all(tape), Layers>,
                "etch: a buffer is renewed by one value for all samples, such as a sum over the "
                "batch");
  return tape;
}();

template <class Layers, class S> constexpr const auto& training_formula() {
  if constexpr (formula_tape<Layers, S>.origin.by_phase) {
    constexpr const auto& tape = training_formula_tape<Layers, S>;
    static_assert(tape.parameters == formula_tape<Layers, S>.parameters,
                  "etch: training and inference use the same parameters in the same way");
    return tape;
  } else {
    return formula_tape<Layers, S>;
  }
}

/// Room for a tape with `times` the instructions of the formula's.
template <class Layers, class S> constexpr Room room_of_formula(std::size_t times) {
  constexpr const auto& formula = training_formula<Layers, S>();
  return {times * formula.size(), formula.parameters.size() + formula.outputs.size() + 6};
}

template <class Layers, class S> constexpr Tape batched_tape(std::size_t batch) {
  Tape tape = training_formula<Layers, S>().thaw();
  tape.batch = batch;
  return tape;
}
}  // namespace detail

namespace detail {
template <class Layers, class S> constexpr auto inference_tape() {
  constexpr const auto& formula = formula_tape<Layers, S>;
  constexpr bool any = std::ranges::any_of(
      formula.code, [](const Instruction& i) { return turns_kernel(formula, i); });
  if constexpr (!any) return formula;
  else return freeze<[] { return with_kernels_as_stored(formula_tape<Layers, S>.thaw()); }>();
}
}  // namespace detail

/// Inputs: x. Outputs: y.
template <class Layers, class S, std::size_t batch> struct InferenceTape {
  constexpr auto operator()() const {
    auto tape = detail::inference_tape<Layers, S>();
    tape.batch = batch;
    return tape;
  }
};

template <class Layers, class S, std::size_t batch, bool wants_input_gradient> struct JointTape {
  constexpr Tape operator()() const {
    return joint_tape(detail::batched_tape<Layers, S>(batch), wants_input_gradient);
  }
  static constexpr Room room() { return detail::room_of_formula<Layers, S>(3); }
};

namespace detail {
/// Differentiated once, for both halves.
template <class Layers, class S, std::size_t batch, bool wants_input_gradient>
inline constexpr auto frozen_joint =
    freeze<JointTape<Layers, S, batch, wants_input_gradient>{}>();
}  // namespace detail

/// See TrainingTapes for inputs and outputs.
template <class Layers, class S, std::size_t batch, bool wants_input_gradient> struct ForwardTape {
  constexpr Tape operator()() const {
    constexpr const auto& joint = detail::frozen_joint<Layers, S, batch, wants_input_gradient>;
    return with_distinct_outputs(forward_half(joint.thaw()));
  }
  static constexpr Room room() { return detail::room_of_formula<Layers, S>(3); }
};

template <class Layers, class S, std::size_t batch, bool wants_input_gradient> struct BackwardTape {
  constexpr Tape operator()() const {
    constexpr const auto& joint = detail::frozen_joint<Layers, S, batch, wants_input_gradient>;
    return with_distinct_outputs(backward_half(joint.thaw()));
  }
  static constexpr Room room() { return detail::room_of_formula<Layers, S>(3); }
};

}  // namespace etch
