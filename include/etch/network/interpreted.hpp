// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "etch/expr/check.hpp"
#include "etch/network/network.hpp"
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
  for (const PlacedParameter& p : detail::float_rows<Net>()) {
    const std::size_t size = p.info.shape.size();
    const std::size_t rows = p.info.shape.rank == 0 ? 1 : p.info.shape[0];
    const std::size_t columns = rows == 0 ? 0 : size / rows;
    const std::size_t row_step = p.info.transposed ? 1 : columns;
    const std::size_t column_step = p.info.transposed ? rows : 1;
    interpreter.set_parameter(row++, size, [&](T* to) {
      for (std::size_t i = 0; i < rows; ++i) {
        std::size_t from = p.offset + i * row_step;
        for (std::size_t j = 0; j < columns; ++j, ++to, from += column_step) {
          *to = static_cast<T>(parameters.data[from]);
        }
      }
    });
  }
}

namespace detail {
template <class Net>
inline constexpr auto frozen_network_tape = freeze<[] { return network_tape<Net>(); }>();
}

/// What a network says of one sample, in plain loops without kernels, so also in the compiler:
///
///     static_assert(etch::interpret(weights, x)[0] > 0);
///
/// x: an array, C array or span of as many floats as the input has. T is what is computed in, see
/// Interpreter. Agrees with Model up to rounding. A convolutional network of 289 000 multiply-adds
/// (examples/digits_embedded.cpp) takes g++ 16 of the 33 million operations that it allows itself
/// and clang 0.69 of 1.05 million steps, and either a good second. Larger ones need
/// -fconstexpr-ops-limit= and, from a quarter of a million numbers on, -fconstexpr-loop-limit= of
/// g++, -fconstexpr-steps= of clang (etch's CMake target has it).
template <class T = float, class Net, class X>
constexpr std::array<T, OutputShape<Net>::size> interpret(const Parameters<Net>& parameters,
                                                          const X& x) {
  constexpr std::size_t size = decltype(std::span(x))::extent;
  constexpr std::size_t inputs = InputShape<Net>::size;
  static_assert(shapes_agree<size == inputs, AtLayer<0, Net>, Expected<Shape<inputs>>,
                             Got<Shape<size>>>,
                "etch: the input has another size (of a vector, pass std::span<const float, n>)");
  std::array<T, OutputShape<Net>::size> y{};
  if constexpr (size == inputs) {
    Interpreter<T> interpreter(detail::frozen_network_tape<Net>);
    set_parameters(interpreter, parameters);
    const std::span<const float, inputs> from(x);
    std::array<T, inputs> input{};
    for (std::size_t i = 0; i < inputs; ++i) input[i] = static_cast<T>(from[i]);
    interpreter.set_input(0, input);
    interpreter.run();
    const std::span<const T> result = interpreter.output(0);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = result[i];
  }
  return y;
}

}  // namespace etch
