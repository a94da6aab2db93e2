// SPDX-License-Identifier: BSL-1.0
// Whole networks in the compiler.
#include "etch/network/interpreted.hpp"

#include <array>
#include <cmath>
#include <cstddef>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/batch_norm.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/model.hpp"

namespace {

using etch::Input;
using etch::Linear;

using Images = etch::Network<Input<2, 6, 5>, etch::Conv2d<6, 3, etch::Padding<1>, etch::Stride<2>>,
                             etch::BatchNorm2d<>, etch::ReLU, etch::MaxPool2d<2, etch::Stride<1>>,
                             etch::Flatten, Linear<7>, etch::Sigmoid, Linear<3>>;
using Sequences = etch::Network<Input<4, 3>, etch::GRU<5>, etch::Select<0, -1>, Linear<2>>;

template <class Net> constexpr auto drawn() {
  etch::Parameters<Net> parameters;
  etch::initialize(parameters, 1);
  return parameters;
}

template <class Net> constexpr auto some_input() {
  std::array<float, etch::InputShape<Net>::size> x{};
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 5 % 7) / 4.0f - 0.75f;
  return x;
}

/// What the compiler found is what the model finds.
template <class Net> void check_in_compiler() {
  constexpr auto in_float = etch::interpret(drawn<Net>(), some_input<Net>());
  constexpr auto in_double = etch::interpret<double>(drawn<Net>(), some_input<Net>());
  etch::Model<Net> model(drawn<Net>());
  const auto y = model(some_input<Net>());
  for (std::size_t i = 0; i < y.size(); ++i) {
    CHECK(std::abs(y[i] - in_float[i]) < 1e-6f);
    CHECK(std::abs(static_cast<double>(y[i]) - in_double[i]) < 1e-6);
    CHECK(std::abs(y[i]) > 1e-3f);
  }
}

}  // namespace

TEST_CASE("a network says the same in the compiler and at run time") {
  check_in_compiler<Images>();
  check_in_compiler<Sequences>();
}

TEST_CASE("the interpreter reads weights and inputs from where they are") {
  etch::Parameters<Images> parameters = drawn<Images>();
  const auto x = some_input<Images>();
  const auto before = etch::interpret(parameters, x);
  using etch::literals::operator""_k;
  parameters["7.bias"_k](1) += 0.5f;
  const auto after = etch::interpret(parameters, std::span<const float, 60>(x));
  CHECK(after[0] == before[0]);
  CHECK(after[1] == Approx(before[1] + 0.5f));
}
