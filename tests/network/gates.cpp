// SPDX-License-Identifier: BSL-1.0
// The gates of a cell come out of one product and go into one chain.
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/network/interpreted.hpp"
#include "etch/network/model.hpp"

using namespace etch;

namespace {

constexpr std::size_t no_scratch(const Tape&, const Instruction&) { return 0; }

template <class Cell, class S> std::size_t steps_of() {
  return plan(StepTape<Cell, S, 1>{}(), no_scratch).steps.size();
}

template <class Layer> double deviation() {
  using Net = Network<Input<5, 3>, Layer>;
  const auto model = std::make_unique<Model<Net>>();
  initialize(model->parameters(), 11);
  std::vector<double> x;
  std::array<float, 15> input;
  for (std::size_t i = 0; i < input.size(); ++i) {
    x.push_back(input[i] = static_cast<float>(std::sin(1.7 * static_cast<double>(i))));
  }
  const Tape tape = network_tape<Net>();
  Interpreter<double> machine(tape);
  set_parameters(machine, model->parameters());
  machine.set_input(0, x);
  machine.run();
  const auto y = (*model)(input);
  double most = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(y[i]) - machine.output(0)[i]));
  }
  return most;
}

}  // namespace

TEST_CASE("a step of a cell is one kernel call") {
  CHECK(steps_of<LSTMCell<32>, Shape<1>>() == 1);
  CHECK(steps_of<GRUCell<24>, Shape<1>>() == 1);
  CHECK(steps_of<RNNCell<16>, Shape<1>>() == 1);
  CHECK(steps_of<LSTMCell<32>, Shape<8>>() == 2);  // a product of x before
}

TEST_CASE("gates of any width are those of the formula") {
  CHECK(deviation<LSTM<8>>() < 1e-6);
  CHECK(deviation<LSTM<37>>() < 1e-6);
  CHECK(deviation<GRU<64>>() < 1e-6);
  CHECK(deviation<GRU<75>>() < 1e-6);
}
