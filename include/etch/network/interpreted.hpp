// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "etch/network/parameters.hpp"
#include "etch/tape/interpret.hpp"

// A network as one tape for the interpreter: no blocks, no plan, parameters as state_dict shows.

namespace etch {

/// The tape of a whole network, just as its formulas say. In training it has the weights of the
/// samples as another input, and the new values of the buffers as further outputs.
template <class Net>
constexpr Tape network_tape(std::size_t batch = 1, Phase phase = Phase::inference) {
  using All = detail::LayersOf<Net>;
  Tape tape = lower<All, InputShape<Net>>(batch);
  if (phase == Phase::inference) return tape;
  return lower<All, InputShape<Net>>(batch, phase, std::move(tape.parameters));
}

/// Hands the weights of a network to an interpreter of its tape.
template <class T, class Net>
constexpr void set_parameters(Interpreter<T>& interpreter, const Parameters<Net>& parameters) {
  std::size_t row = 0;
  parameters.for_each([&](const ParameterInfo&, auto tensor) {
    std::vector<T> values;
    for (std::size_t i = 0; i < tensor.size(); ++i) values.push_back(static_cast<T>(tensor[i]));
    interpreter.set_parameter(row++, values);
  });
}

}  // namespace etch
