// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "etch/tape/lower_layers.hpp"

// From types to values: writes a whole formula on a tape.

namespace etch {

/// Writes the formula of `Layer`, applied to batched inputs of the given shapes, on a new tape; its
/// outputs are what the formula returns: one expression, or outputs(...). Parameter names start at
/// the layer: "weight", or "0.weight" inside a sequence. For training the table of the inference is
/// given. `taps` receives what the formula taps.
template <class Layer, class... Inputs>
constexpr Tape lower(std::size_t batch = 1, Phase phase = Phase::inference,
                     std::vector<ParameterInfo> table = {},
                     std::vector<detail::Tap>* taps = nullptr) {
  Tape tape{.batch = batch, .parameters = std::move(table)};
  tape.code.reserve(16);  // most formulas are short, and growing is dear in the compiler
  std::vector<int> arguments;
  const auto add_input = [&](const Dims& shape) {
    const Attributes attr{.index = arguments.size()};
    arguments.push_back(
        tape.push({.op = Op::input, .batched = true, .shape = shape, .attr = attr}));
  };
  (add_input(Inputs::dims), ...);
  detail::Table<int> renewed(tape.parameters.size(), -1);
  tape.outputs = [&]<std::size_t... i>(std::index_sequence<i...>) {
    using Formula = decltype(Layer::formula(Argument<i, Inputs>{}...));
    detail::Lowering context{
        tape, {}, arguments, phase, false, NumberType::f32, &renewed, {}, taps};
    return detail::lower_values<Formula>(context);
  }(std::index_sequence_for<Inputs...>{});
  for (int& output : tape.outputs) output = detail::for_each_sample({&tape, output}).id;
  for (std::size_t row = 0; row < renewed.size(); ++row) {
    if (tape.parameters[row].role != Role::buffer) continue;
    const int itself = static_cast<int>(tape.size());  // one that is only read stays as it is
    if (renewed[row] < 0) {
      tape.push({.op = Op::parameter, .shape = tape.parameters[row].shape, .attr = {.index = row}});
    }
    tape.outputs.push_back(renewed[row] < 0 ? itself : renewed[row]);
  }
  return tape;
}

}  // namespace etch
