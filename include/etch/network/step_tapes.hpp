// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "etch/expr/recurrence.hpp"
#include "etch/tape/fuse.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/parts.hpp"
#include "etch/tape/passes.hpp"
#include "etch/tape/small_numbers.hpp"
#include "etch/tape/step.hpp"

// The tapes of one step of a recurrence: a cell C on inputs of shape S.

namespace etch {

namespace detail {
template <class C, class S, class States> struct lower_cell;
template <class C, class S, class... H> struct lower_cell<C, S, Shapes<H...>> {
  static constexpr Tape run() { return lower<C, S, H...>(); }
};
}  // namespace detail

/// Inputs: x, states. Outputs: y, new states.
template <class C, class S> struct CellTape {
  constexpr Tape operator()() const {
    const Tape tape = detail::lower_cell<C, S, detail::StatesOf<C, S>>::run();
    return with_scales(with_vector_layout(tidied(tape, true)));
  }
  static constexpr Room room() { return {40, 8}; }
};

namespace detail {
template <class AnyTape> constexpr bool is_one_formula(const AnyTape& tape) {
  const auto draws = [](const Instruction& i) { return i.op == Op::random || i.attr.over_batch; };
  return !tape.origin.by_phase && std::ranges::none_of(tape.code, draws);
}
template <bool ok, class C> inline constexpr bool cell_is_one_formula = ok;

template <class C, class S>
inline constexpr auto cell_tape = [] {
  constexpr auto tape = freeze<CellTape<C, S>{}>();
  static_assert(cell_is_one_formula<is_one_formula(tape), C>,
                "etch: a cell is one formula for training and inference, without random numbers "
                "and sums over the batch");
  return tape;
}();

template <class C, class S> constexpr Room room_of_step(std::size_t times) {
  constexpr const auto& tape = cell_tape<C, S>;
  return {times * tape.size() + 8, tape.parameters.size() + 3 * tape.outputs.size() + 8};
}

/// Split once, for its three parts.
template <class C, class S, bool wants_input_gradient>
inline constexpr StepTapes split_cell() {
  return split_step(cell_tape<C, S>.thaw(), wants_input_gradient);
}
template <class C, class S, bool wants_input_gradient>
inline constexpr std::size_t kept_by_forward = split_cell<C, S, wants_input_gradient>().kept;
}  // namespace detail

/// A step in inference.
template <class C, class S, std::size_t batch> struct StepTape {
  constexpr Tape operator()() const {
    Tape tape = detail::cell_tape<C, S>.thaw();
    tape.batch = batch;
    return with_parts(with_distinct_outputs(with_single_terms_elementwise(tape)));
  }
  static constexpr Room room() { return detail::room_of_step<C, S>(1); }
};

/// A step of a training: see StepTapes. `deferred` has all steps as samples.
template <class C, class S, std::size_t batch, bool wants_input_gradient,
          Tape StepTapes::*part>
struct TrainedStepTape {
  constexpr Tape operator()() const {
    Tape tape = detail::split_cell<C, S, wants_input_gradient>().*part;
    tape.batch = batch;
    return with_distinct_outputs(tape);
  }
  static constexpr Room room() { return detail::room_of_step<C, S>(3); }
};

}  // namespace etch
