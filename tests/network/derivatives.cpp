// SPDX-License-Identifier: BSL-1.0
// Derivatives for the input against differences of the interpreter in double.
#include "etch/network/derivatives.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/batch_norm.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/interpreted.hpp"
#include "etch/train/losses.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;
using etch::literals::operator""_k;
using Numbers = std::vector<double>;

using Policy = Network<Input<5>, Linear<9>, Tanh, BatchNorm1d<>, Residual<Linear<9>, Sigmoid>,
                       Linear<3>>;
using Image = Network<Input<1, 6, 6>, Conv2d<3, 3>, GELU, MaxPool2d<2>, Flatten, Linear<4>>;

/// A network with drawn weights, a sample, and its value in double.
template <class Net> struct Given {
  static constexpr std::size_t in = InputShape<Net>::size, out = OutputShape<Net>::size;

  Given() : parameters(std::make_unique<Parameters<Net>>()), machine(network_tape<Net>()) {
    initialize(*parameters, 11);
    for (std::size_t i = 0; i < in; ++i) x[i] = oracle::random_floats(in, 4)[i];
    set_parameters(machine, *parameters);
  }

  Numbers value(const Numbers& at) {
    machine.set_input(0, at);
    machine.run();
    return {machine.output(0).begin(), machine.output(0).end()};
  }

  std::unique_ptr<Parameters<Net>> parameters;
  std::array<float, in> x;
  Interpreter<double> machine;
};

/// Central differences of f, [output][input].
Numbers slopes(const std::function<Numbers(const Numbers&)>& f, Numbers x) {
  constexpr double step = 1e-5;
  const std::size_t n = x.size(), m = f(x).size();
  Numbers result(m * n);
  for (std::size_t i = 0; i < n; ++i) {
    const double at = x[i];
    x[i] = at + step;
    const Numbers above = f(x);
    x[i] = at - step;
    const Numbers below = f(x);
    x[i] = at;
    for (std::size_t j = 0; j < m; ++j) result[j * n + i] = (above[j] - below[j]) / (2 * step);
  }
  return result;
}

double squares(const Numbers& y, std::span<const float> target) {
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double error = y[i] - static_cast<double>(target[i]);
    sum += error * error / static_cast<double>(y.size());
  }
  return sum;
}

void check_near(std::span<const float> got, const Numbers& want, double tolerance) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    CHECK(static_cast<double>(got[i]) == Approx(want[i]).margin(tolerance));
  }
}

template <class Net> void check_derivatives() {
  Given<Net> given;
  constexpr std::size_t in = Given<Net>::in, out = Given<Net>::out;
  const Numbers x(given.x.begin(), given.x.end());
  const auto f = [&](const Numbers& at) { return given.value(at); };

  const auto jacobian = std::make_unique<Jacobian<Net>>();
  std::array<float, out * in> j;
  std::array<float, out> y;
  (*jacobian)(*given.parameters, given.x, y, j);
  check_near(y, given.value(x), 1e-5);
  check_near(j, slopes(f, x), 1e-5);

  std::array<float, out> target{};
  target[0] = 1;
  const auto loss = [&](const Numbers& at) { return Numbers{squares(f(at), target)}; };
  const auto gradient = std::make_unique<InputGradient<Net, MSE>>();
  std::array<float, in> dx;
  const float value = (*gradient)(*given.parameters, given.x, target, dx);
  CHECK(static_cast<double>(value) == Approx(loss(x)[0]).margin(1e-5));
  check_near(dx, slopes(loss, x), 1e-5);

  // H v is the derivative of the gradient along v: exact gradients of the float network at x + hv
  // and x - hv would lose half the digits, so the differences are those of double slopes.
  std::array<float, in> v, hv;
  for (std::size_t i = 0; i < in; ++i) v[i] = i % 2 == 0 ? 1.f : -0.5f;
  const auto product = std::make_unique<HessianVector<Net, MSE>>();
  CHECK((*product)(*given.parameters, given.x, target, v, hv) == Approx(value));
  const auto slope_at = [&](double h) {
    Numbers at = x;
    for (std::size_t i = 0; i < in; ++i) at[i] += h * static_cast<double>(v[i]);
    return slopes(loss, at);
  };
  Numbers want = slope_at(1e-3);
  const Numbers below = slope_at(-1e-3);
  for (std::size_t i = 0; i < in; ++i) want[i] = (want[i] - below[i]) / 2e-3;
  check_near(hv, want, 2e-4);
}

}  // namespace

TEST_CASE("Jacobian, input gradient and Hessian times vector are those of differences") {
  check_derivatives<Policy>();
  check_derivatives<Image>();
}

TEST_CASE("the Jacobian of a linear layer is its weight") {
  using Line = Network<Input<7>, Linear<4>>;
  Parameters<Line> parameters;
  initialize(parameters, 2);
  Jacobian<Line> jacobian;
  std::array<float, 28> j;
  jacobian(parameters, std::array<float, 7>{}, j);
  for (std::size_t i = 0; i < 28; ++i) CHECK(j[i] == parameters["0.weight"_k][i]);
}
