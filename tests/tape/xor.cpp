// SPDX-License-Identifier: BSL-1.0
// A network learns XOR while this file compiles: formula, gradient and training are all constants.
#include <array>
#include <span>
#include <vector>

#include "by_hand.hpp"
#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/sequential.hpp"
#include "etch/tape/gradient.hpp"
#include "etch/tape/interpret.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"

namespace {

using namespace etch;

using Net = Sequential<Linear<4>, Tanh, Linear<1>>;

/// (net(x) - target)^2 of one sample.
struct SquaredError {
  template <Expr X, Expr T> static constexpr auto formula(X x, T target) {
    const auto error = call<"", Net>(x) - target;
    return sum(error * error);
  }
};

constexpr std::array<double, 8> inputs{0, 0, 0, 1, 1, 0, 1, 1};
constexpr std::array<double, 4> targets{-1, 1, 1, -1};
constexpr std::size_t steps = 100;
constexpr double rate = 0.05;

constexpr Tape gradient_of_loss() {
  Tape loss = without_common_subexpressions(lower<SquaredError, Shape<2>, Shape<1>>(4));
  loss = with_vector_layout(loss);
  const Tape slopes = gradient(loss, leaves(loss, Op::parameter));
  return tidied(slopes);
}

using Weights = std::vector<std::vector<double>>;

/// Plain gradient descent over the four samples, from numbers in (-1, 1).
constexpr Weights learned() {
  Interpreter<double> machine(gradient_of_loss());
  Weights weights;
  unsigned seed = 6;
  for (const ParameterInfo& p : machine.tape().parameters) {
    weights.push_back(by_hand::scattered(p.shape.size(), ++seed));
  }
  machine.set_input(0, inputs);
  machine.set_input(1, targets);
  for (std::size_t step = 0; step < steps; ++step) {
    for (std::size_t p = 0; p < weights.size(); ++p) machine.set_parameter(p, weights[p]);
    machine.run();
    for (std::size_t p = 0; p < weights.size(); ++p) {
      const std::span<const double> slope = machine.output(p);
      for (std::size_t i = 0; i < slope.size(); ++i) weights[p][i] -= rate * slope[i];
    }
  }
  return weights;
}

/// The smallest target * net(x): positive where all four are classified right.
constexpr double margin(const Weights& weights) {
  const Tape tape = with_vector_layout(lower<Net, Shape<2>>(4));
  const std::vector<std::vector<double>> x{{inputs.begin(), inputs.end()}};
  const std::vector<double> y = interpret<double>(tape, x, weights)[0];
  double smallest = y[0] * targets[0];
  for (std::size_t i = 1; i < 4; ++i) {
    if (y[i] * targets[i] < smallest) smallest = y[i] * targets[i];
  }
  return smallest;
}

constexpr double margin_learned_by_the_compiler = margin(learned());
static_assert(margin_learned_by_the_compiler > 0.9, "XOR is learned in a constant expression");

}  // namespace

TEST_CASE("XOR is learned inside a static_assert, and at run time with the same result") {
  CHECK(margin(learned()) > 0.9);
  CHECK(margin(learned()) == Approx(margin_learned_by_the_compiler));
}
