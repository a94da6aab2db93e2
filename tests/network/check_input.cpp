// SPDX-License-Identifier: BSL-1.0
// Indices that name no row, and classes that do not exist.
#include "etch/network/check_input.hpp"

#include <array>
#include <cmath>
#include <string>

#include "catch.hpp"
#include "etch/train.hpp"

using namespace etch;

namespace {

using Words = Network<Input<3>, Embedding<5, 2>, Flatten, Linear<4>>;
using Trained = Trainer<Words, CrossEntropy, SGD, Batch<2>>;

bool names(const Error& error, const char* text) {
  return error.message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a checked model refuses indices without a row, and says which") {
  Model<Words> model(1);
  const std::array<float, 3> good = {0, 4, 2};
  const auto y = model.checked(good);
  REQUIRE(y);
  CHECK(*y == model(good));
  for (const float bad : {5.f, -1.f, 1.5f, NAN}) {
    const auto refused = model.checked(std::array<float, 3>{0, bad, 2});
    REQUIRE(!refused);
    CHECK(names(refused.error(), "input 1"));
    CHECK(names(refused.error(), "0..4"));
  }
  Model<Network<Input<2>, Linear<1>>> other(1);
  CHECK(other.checked(std::array<float, 2>{-7, 0.5f}));
}

TEST_CASE("a checked step refuses rows and classes that do not exist, and changes nothing") {
  Trained trainer({.seed = 1});
  const auto before = trainer.parameters();
  const std::array<float, 6> x = {0, 1, 2, 3, 4, 0};
  CHECK(trainer.checked_step(x, std::array<float, 2>{3, 0}));
  CHECK(!(trainer.parameters() == before));
  const auto after = trainer.parameters();
  const auto target = trainer.checked_step(x, std::array<float, 2>{3, 4});
  REQUIRE(!target);
  CHECK(names(target.error(), "sample 1: target 4"));
  const auto index =
      trainer.checked_step(std::array<float, 6>{0, 1, 2, 3, 5, 0}, std::array<float, 2>{3, 0});
  REQUIRE(!index);
  CHECK(names(index.error(), "sample 1: input 1"));
  CHECK(trainer.parameters() == after);
}

TEST_CASE("data with an index that has no row do not train") {
  const auto data = Dataset::classification(3, 4, {0, 1, 2, 0, 9, 0}, {0, 1});
  Trained trainer({.epochs = 1, .progress = {.style = ProgressStyle::off}});
  const auto history = trainer.fit(data.value());
  REQUIRE(!history);
  CHECK(names(history.error(), "row 1: input 1"));
}
