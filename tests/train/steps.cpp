// SPDX-License-Identifier: BSL-1.0
// Steps of training against the same steps by hand, in double.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "catch.hpp"
#include "etch/data/batches.hpp"
#include "etch/layers/linear.hpp"
#include "etch/train/trainer.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;
using etch::literals::operator""_k;

constexpr std::size_t in = 3;
using Line = Network<Input<in>, Linear<1>>;

/// y = w x + b: the weights, then the bias.
using Weights = std::array<double, in + 1>;

Weights weights_of(const Parameters<Line>& parameters) {
  const auto w = parameters["0.weight"_k];
  return {static_cast<double>(w[0]), static_cast<double>(w[1]), static_cast<double>(w[2]),
          static_cast<double>(parameters["0.bias"_k][0])};
}

double largest_difference(const Weights& a, const Weights& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

Dataset points(std::size_t n, std::uint64_t seed) {
  return Dataset::regression(in, 1, oracle::random_floats(n * in, seed),
                             oracle::random_floats(n, seed + 1, 2))
      .value();
}

double prediction(const Dataset& data, std::uint32_t row, const Weights& w) {
  double y = w[in];
  for (std::size_t i = 0; i < in; ++i) y += w[i] * static_cast<double>(data.input(row)[i]);
  return y;
}

/// Gradient of the mean of (y - t)^2 over these rows.
Weights slope(const Dataset& data, std::span<const std::uint32_t> rows, const Weights& w) {
  Weights g{};
  for (const std::uint32_t row : rows) {
    const double error = prediction(data, row, w) - static_cast<double>(data.target(row)[0]);
    const double share = 2 * error / static_cast<double>(rows.size());
    for (std::size_t i = 0; i < in; ++i) g[i] += share * static_cast<double>(data.input(row)[i]);
    g[in] += share;
  }
  return g;
}

double mean_loss(const Dataset& data, const Weights& w) {
  double sum = 0;
  for (std::uint32_t row = 0; row < data.size(); ++row) {
    const double error = prediction(data, row, w) - static_cast<double>(data.target(row)[0]);
    sum += error * error / static_cast<double>(data.size());
  }
  return sum;
}

using Rule = std::function<void(Weights& w, const Weights& g)>;

void train_by_hand(const Dataset& data, Weights& w, std::size_t batch, std::uint64_t seed,
                   std::uint32_t epochs, const Rule& rule) {
  Batches batches(data.size(), batch, seed);
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    batches.start_epoch(epoch);
    for (const Batches::Rows rows : batches) rule(w, slope(data, rows, w));
  }
}

Rule sgd_by_hand(const SGD& o) {
  return [o, v = Weights{}](Weights& w, const Weights& g) mutable {
    const auto rate = static_cast<double>(o.lr), momentum = static_cast<double>(o.momentum);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double slope = g[i] + static_cast<double>(o.weight_decay) * w[i];
      v[i] = momentum * v[i] + slope;
      w[i] -= rate * (o.nesterov ? slope + momentum * v[i] : v[i]);
    }
  };
}

Rule adam_by_hand(double rate, double decay) {
  return [=, m = Weights{}, v = Weights{}, t = 0](Weights& w, const Weights& g) mutable {
    ++t;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double slope = g[i] + decay * w[i];
      m[i] = 0.9 * m[i] + 0.1 * slope;
      v[i] = 0.999 * v[i] + 0.001 * slope * slope;
      const double first = m[i] / (1 - std::pow(0.9, t));
      const double second = v[i] / (1 - std::pow(0.999, t));
      w[i] -= rate * first / (std::sqrt(second) + 1e-8);
    }
  };
}

const ProgressOptions quiet{.style = ProgressStyle::off};

/// Ten rows in batches of four: the last batch of an epoch has two.
template <class Optimizer>
double distance_after(std::size_t epochs, Optimizer optimizer, Rule rule) {
  const Dataset data = points(10, 1);
  Trainer<Line, MSE, Optimizer, Batch<4>> trainer(
      {.epochs = epochs, .seed = 5, .optimizer = optimizer, .progress = quiet});
  Weights w = weights_of(trainer.parameters());
  const Weights start = w;
  REQUIRE(trainer.fit(data).has_value());
  train_by_hand(data, w, 4, 5, static_cast<std::uint32_t>(epochs), rule);
  CHECK(largest_difference(start, w) > 0.05);  // it went somewhere
  CHECK(trainer.evaluate(data).loss == Approx(mean_loss(data, w)).epsilon(1e-5));
  CHECK(std::isnan(trainer.evaluate(data).accuracy));
  return largest_difference(weights_of(trainer.parameters()), w);
}

/// Rows of `extended` are those of x with a 1 behind.
std::vector<float> with_ones(const std::vector<float>& x, std::size_t features) {
  std::vector<float> extended;
  for (std::size_t i = 0; i < x.size(); ++i) {
    extended.push_back(x[i]);
    if ((i + 1) % features == 0) extended.push_back(1);
  }
  return extended;
}

}  // namespace

TEST_CASE("an epoch of SGD is what it is by hand, a smaller last batch included") {
  for (const SGD& optimizer : {SGD{.lr = 0.1f}, SGD{.lr = 0.05f, .momentum = 0.9f},
                               SGD{.lr = 0.05f, .momentum = 0.8f, .weight_decay = 0.1f},
                               SGD{.lr = 0.02f, .momentum = 0.9f, .nesterov = true}}) {
    CHECK(distance_after(1, optimizer, sgd_by_hand(optimizer)) < 1e-6);
    CHECK(distance_after(8, optimizer, sgd_by_hand(optimizer)) < 1e-5);
  }
}

TEST_CASE("an epoch of Adam is what it is by hand") {
  CHECK(distance_after(1, Adam{.lr = 0.05f}, adam_by_hand(0.05, 0)) < 1e-6);
  CHECK(distance_after(8, Adam{.lr = 0.05f}, adam_by_hand(0.05, 0)) < 1e-5);
  CHECK(distance_after(8, Adam{.lr = 0.02f, .weight_decay = 0.1f}, adam_by_hand(0.02, 0.1)) < 1e-5);
}

TEST_CASE("a step returns the loss before it, and leaves the gradients") {
  Trainer<Line, MSE, SGD, Batch<4>> trainer({.seed = 2, .optimizer = {.lr = 0.1f}});
  const Dataset data = points(4, 3);
  const std::array<std::uint32_t, 4> rows{0, 1, 2, 3};
  const Weights before = weights_of(trainer.parameters());
  const Weights expected = slope(data, rows, before);
  const float loss = trainer.step(std::span<const float, 12>(data.inputs()),
                                  std::span<const float, 4>(data.targets()));
  CHECK(static_cast<double>(loss) == Approx(mean_loss(data, before)).epsilon(1e-6));
  CHECK(largest_difference(weights_of(trainer.gradients()), expected) < 1e-6);
  Weights after = before;
  sgd_by_hand({.lr = 0.1f})(after, expected);
  CHECK(largest_difference(weights_of(trainer.parameters()), after) < 1e-6);
}

TEST_CASE("generated code learns the same with the bias folded into the weights as apart") {
  constexpr std::size_t features = 4, out = 3, batch = 8;
  using Apart = Network<Input<features>, Linear<out>>;
  using Folded = Network<Input<features + 1>, Linear<out, Bias<false>>>;
  const SGD optimizer{.lr = 0.1f, .momentum = 0.9f};
  Trainer<Apart, MSE, SGD, Batch<batch>> apart({.optimizer = optimizer});
  Trainer<Folded, MSE, SGD, Batch<batch>> folded({.optimizer = optimizer});
  const auto w = apart.parameters()["0.weight"_k];
  const auto b = apart.parameters()["0.bias"_k];
  const auto wb = folded.parameters()["0.weight"_k];
  const auto difference = [&] {
    float worst = 0;
    for (std::size_t i = 0; i < out; ++i) {
      for (std::size_t j = 0; j < features; ++j) {
        worst = std::max(worst, std::abs(w(i, j) - wb(i, j)));
      }
      worst = std::max(worst, std::abs(b(i) - wb(i, features)));
    }
    return worst;
  };
  for (std::size_t i = 0; i < out; ++i) {
    for (std::size_t j = 0; j < features; ++j) wb(i, j) = w(i, j);
    wb(i, features) = b(i);
  }
  const float bias_before = b(0);
  for (std::uint64_t k = 0; k < 20; ++k) {
    const auto x = oracle::random_floats(batch * features, k);
    const auto target = oracle::random_floats(batch * out, 100 + k);
    const auto extended = with_ones(x, features);
    const float loss = apart.step(std::span<const float, batch * features>(x),
                                  std::span<const float, batch * out>(target));
    const float same = folded.step(std::span<const float, batch*(features + 1)>(extended),
                                   std::span<const float, batch * out>(target));
    CHECK(loss == Approx(same).epsilon(1e-5));
    CHECK(difference() < 2e-6f);
  }
  CHECK(std::abs(b(0) - bias_before) > 0.01f);
}
