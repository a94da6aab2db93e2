// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include "etch/network/parameters.hpp"
#include "etch/tape/interpret.hpp"

// A network as one tape for the interpreter: no blocks, no plan, parameters as state_dict shows.

namespace etch {

/// The tape of a whole network, just as its formulas say.
template <class Net> constexpr Tape network_tape(std::size_t batch = 1) {
  return []<class In, class... Layers>(Network<In, Layers...>, std::size_t n) {
    return lower<Sequential<Layers...>, typename In::sample>(n);
  }(Net{}, batch);
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
