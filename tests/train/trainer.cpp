// SPDX-License-Identifier: BSL-1.0
// The trainer: it learns, repeats itself, and stops where it cannot go on.
#include "etch/train/trainer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "etch/data/random.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/model.hpp"

namespace {

using namespace etch;

using Moons = Network<Input<2>, Linear<16>, Tanh, Linear<2>>;
using MoonTrainer = Trainer<Moons, CrossEntropy, Adam, Batch<16>>;
using Xor = Network<Input<2>, Linear<8>, Tanh, Linear<1>>;

const ProgressOptions quiet{.style = ProgressStyle::off};

/// Two half circles that reach into each other, with a little noise.
Dataset moons(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> x;
  std::vector<std::uint32_t> labels;
  for (std::size_t i = 0; i < n; ++i) {
    const bool second = i % 2 == 1;
    const float angle = random.uniform(0, 3.14159265f);
    x.push_back((second ? 1 - std::cos(angle) : std::cos(angle)) + random.normal(0, 0.1f));
    x.push_back((second ? 0.5f - std::sin(angle) : std::sin(angle)) + random.normal(0, 0.1f));
    labels.push_back(second ? 1 : 0);
  }
  return Dataset::classification(2, 2, x, labels).value();
}

MoonTrainer::Options options(std::size_t epochs, std::uint64_t seed) {
  return {.epochs = epochs, .seed = seed, .optimizer = {.lr = 0.02f}, .progress = quiet};
}

Parameters<Moons> trained(std::size_t epochs, std::uint64_t seed) {
  MoonTrainer trainer(options(epochs, seed));
  CHECK(trainer.fit(moons(100, 1)).has_value());
  return trainer.parameters();
}

std::string error_of(const Result<History>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text, part);
  return text.find(part) != std::string::npos;
}

/// Loss and accuracy as the definitions say, one sample at a time.
Score score_by_hand(const Parameters<Moons>& parameters, const Dataset& data) {
  Model<Moons> model(parameters);
  double loss = 0, right = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto y = model(std::span<const float, 2>(data.input(i)));
    const std::size_t t = data.label(i);
    const double margin = static_cast<double>(y[1 - t]) - static_cast<double>(y[t]);
    loss += std::log1p(std::exp(margin));  // -log softmax of two
    right += margin < 0 ? 1 : 0;
  }
  const auto n = static_cast<double>(data.size());
  return {.loss = loss / n, .accuracy = right / n};
}

}  // namespace

TEST_CASE("the trainer learns to tell two moons apart") {
  const Dataset data = moons(210, 1), fresh = moons(100, 2);
  MoonTrainer trainer(options(40, 3));
  const auto history = trainer.fit(data, fresh);
  REQUIRE(history.has_value());
  REQUIRE(history->epochs.size() == 40);
  const EpochRecord& first = history->epochs.front();
  const EpochRecord& last = history->epochs.back();
  CHECK(first.train.loss < 0.8);
  CHECK(last.train.loss < 0.25 * first.train.loss);
  CHECK(last.train.accuracy > 0.97);
  CHECK(last.validation.accuracy > 0.95);
  CHECK(last.validation.loss == trainer.evaluate(fresh).loss);
  CHECK(last.seconds > 0);
}

TEST_CASE("exclusive or is learned from its four rows") {
  const auto data = Dataset::regression(2, 1, {0, 0, 0, 1, 1, 0, 1, 1}, {0, 1, 1, 0}).value();
  Trainer<Xor, BCEWithLogits, SGD, Batch<4>> trainer({.epochs = 400,
                                                      .seed = 1,
                                                      .optimizer = {.lr = 0.5f, .momentum = 0.9f},
                                                      .progress = quiet});
  REQUIRE(trainer.fit(data).has_value());
  CHECK(trainer.evaluate(data).accuracy == 1);
  CHECK(trainer.evaluate(data).loss < 0.05);
}

TEST_CASE("the same seed gives the same bits, another seed others") {
  CHECK(trained(2, 1) == trained(2, 1));
  CHECK_FALSE(trained(2, 1) == trained(2, 2));
}

TEST_CASE("two epochs and two more are four epochs") {
  const Dataset data = moons(100, 1);
  MoonTrainer trainer(options(2, 1));
  REQUIRE(trainer.fit(data).has_value());
  REQUIRE(trainer.fit(data).has_value());
  CHECK(trainer.parameters() == trained(4, 1));
}

TEST_CASE("validation does not change what is learned") {
  MoonTrainer trainer(options(2, 1));
  const auto history = trainer.fit(moons(100, 1), moons(30, 2));
  REQUIRE(history.has_value());
  CHECK_FALSE(std::isnan(history->epochs[0].validation.loss));
  CHECK(trainer.parameters() == trained(2, 1));
}

TEST_CASE("the score is the mean over the samples, a smaller last batch included") {
  MoonTrainer trainer(options(2, 1));
  REQUIRE(trainer.fit(moons(100, 1)).has_value());
  for (const std::size_t n : {1u, 16u, 50u}) {
    const Dataset data = moons(n, 9);
    const Score expected = score_by_hand(trainer.parameters(), data);
    CHECK(trainer.evaluate(data).loss == Approx(expected.loss).epsilon(1e-5));
    CHECK(trainer.evaluate(data).accuracy == Approx(expected.accuracy));
  }
  CHECK(std::isnan(trainer.evaluate(Dataset()).loss));
}

TEST_CASE("a row of infinities stops the training, and the parameters are those before") {
  Dataset data = moons(100, 1);
  data.inputs()[77] = std::numeric_limits<float>::infinity();
  MoonTrainer trainer(options(3, 1));
  const Parameters<Moons> before = trainer.parameters();
  const std::string error = error_of(trainer.fit(data));
  CHECK(contains(error, "etch: epoch 1: "));
  CHECK(trainer.parameters() == before);

  data.inputs()[77] = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(error_of(trainer.fit(data)), "the loss is not a number"));
  CHECK(trainer.parameters() == before);
  CHECK(trainer.fit(moons(100, 1)).has_value());
}

TEST_CASE("an absurd learning rate stops the training, and a sane one goes on from there") {
  const Dataset data = moons(100, 1);
  MoonTrainer trainer(options(2, 1));
  REQUIRE(trainer.fit(data).has_value());
  const Parameters<Moons> good = trainer.parameters();
  trainer.optimizer().lr = 3e38f;
  const std::string error = error_of(trainer.fit(data));
  CHECK(contains(error, "etch: epoch 1: "));
  CHECK(contains(error, "not a") | contains(error, "infinite"));
  CHECK(trainer.parameters() == good);
  CHECK(trainer.evaluate(data).loss < 0.7);

  trainer.optimizer().lr = 0.02f;
  const double loss = trainer.evaluate(data).loss;
  const auto history = trainer.fit(data);
  REQUIRE(history.has_value());
  CHECK(trainer.evaluate(data).loss < loss);
}

TEST_CASE("data that do not fit the network are refused with both numbers") {
  MoonTrainer trainer(options(1, 1));
  const Parameters<Moons> before = trainer.parameters();
  const std::vector<float> six{1, 2, 3, 4, 5, 6};
  const Dataset wide = Dataset::classification(3, 2, six, {0, 1}).value();
  const Dataset many = Dataset::classification(2, 3, six, {0, 1, 2}).value();
  const Dataset other = Dataset::regression(2, 2, six, six).value();
  CHECK(error_of(trainer.fit(wide)) == "etch: the network has 2 inputs, the data have 3");
  CHECK(error_of(trainer.fit(many)) == "etch: the network has 2 classes, the data have 3");
  CHECK(error_of(trainer.fit(other)) == "etch: the network has 2 classes, the data have 0");
  CHECK(error_of(trainer.fit(moons(20, 1), wide)) ==
        "etch: the network has 2 inputs, the data have 3");
  CHECK(error_of(trainer.fit(Dataset())) == "etch: the training data are empty");
  CHECK_THROWS_AS(trainer.evaluate(wide), std::runtime_error);
  CHECK(trainer.parameters() == before);

  Trainer<Xor, BCEWithLogits, SGD, Batch<4>> single({.progress = quiet});
  CHECK(error_of(single.fit(moons(20, 1))) == "etch: the network has 1 outputs, the data have 0");
  CHECK(error_of(single.fit(other)) == "etch: the network has 1 outputs, the data have 2");
}
