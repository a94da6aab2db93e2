// SPDX-License-Identifier: BSL-1.0
// What only a network with a memory can learn.
#include <array>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "etch/data/random.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/network/model.hpp"
#include "etch/train/trainer.hpp"

namespace {

using namespace etch;

constexpr std::size_t steps = 12;
using Parity = Network<Input<steps, 1>, LSTM<8>, Linear<1>>;
using ParityTrainer = Trainer<Parity, BCEWithLogits, Adam, Batch<32>>;

const ProgressOptions quiet{.style = ProgressStyle::off};

/// Bits, as -1 and 1, and whether there were an odd number of ones so far. From one bit alone it is
/// a guess, except at the first step.
Dataset parities(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> x, y;
  for (std::size_t i = 0; i < n; ++i) {
    bool odd = false;
    for (std::size_t t = 0; t < steps; ++t) {
      const bool one = random.uniform(0.f, 1.f) < 0.5f;
      odd = odd != one;
      x.push_back(one ? 1.f : -1.f);
      y.push_back(odd ? 1.f : 0.f);
    }
  }
  return Dataset::regression(steps, steps, x, y).value();
}

ParityTrainer::Options options(std::size_t epochs) {
  return {.epochs = epochs, .seed = 1, .optimizer = {.lr = 0.02f}, .progress = quiet};
}

Parameters<Parity> trained(std::size_t epochs) {
  ParityTrainer trainer(options(epochs));
  CHECK(trainer.fit(parities(100, 1)).has_value());
  return trainer.parameters();
}

}  // namespace

TEST_CASE("an LSTM learns the parity of the bits so far, also of sequences it has not seen") {
  ParityTrainer trainer(options(10));
  REQUIRE(trainer.fit(parities(1000, 1)).has_value());
  const Dataset fresh = parities(200, 2);
  CHECK(trainer.evaluate(fresh).accuracy > 0.99);
  CHECK(trainer.evaluate(fresh).loss < 0.05);

  Model<Parity> model(trainer.parameters());
  const std::array<float, steps> bits = {1, 1, -1, 1, -1, -1, 1, 1, 1, -1, 1, -1};
  const std::array<bool, steps> odd = {true, false, false, true,  true,  true,
                                       false, true, false, false, true, true};
  const auto y = model(bits);
  for (std::size_t t = 0; t < steps; ++t) CHECK((y[t] > 0) == odd[t]);
}

TEST_CASE("training through time repeats itself bit by bit") {
  CHECK(trained(2) == trained(2));
}

TEST_CASE("dropout between recurrent layers, and freezing one, are matters of training alone") {
  using Plain = Network<Input<4, 2>, GRU<3, NumLayers<2>>>;
  using Dropped = Network<Input<4, 2>, GRU<3, NumLayers<2>, Dropout<0.5>>>;
  using Frozen = Network<Input<4, 2>, Freeze<GRU<3, NumLayers<2>>>, Linear<1>>;
  static_assert(parameter_table<Plain>.size() == parameter_table<Dropped>.size());
  const std::array<float, 8> x = {1, -1, 2, 0.5f, -0.5f, 1, 0, -2};
  Model<Plain> plain(1);
  Model<Dropped> dropped(1);
  CHECK(plain(x) == dropped(x));

  const std::array<float, 12> target = {};
  CHECK(Trainer<Plain, MSE, SGD, Batch<1>>({.seed = 1}).step(x, target) !=
        Trainer<Dropped, MSE, SGD, Batch<1>>({.seed = 1}).step(x, target));

  using namespace etch::literals;
  Trainer<Frozen, MSE, SGD, Batch<1>> trainer({.seed = 1});
  const auto before = trainer.parameters();
  trainer.step(x, std::array<float, 4>{1, 1, 1, 1});
  const auto& after = trainer.parameters();
  CHECK(after["0.weight_hh_l1"_k](2, 1) == before["0.weight_hh_l1"_k](2, 1));
  CHECK(after["1.weight"_k](0, 0) != before["1.weight"_k](0, 0));
}
