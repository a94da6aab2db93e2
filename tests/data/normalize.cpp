// SPDX-License-Identifier: BSL-1.0
#include "etch/data/normalize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "catch.hpp"
#include "etch/data/csv.hpp"

namespace {

using etch::Dataset;

Dataset rows_of_two(std::vector<float> inputs) {
  std::vector<float> targets(inputs.size() / 2);
  return Dataset::regression(2, 1, std::move(inputs), std::move(targets)).value();
}

struct Moments {
  double mean, deviation;
};

Moments moments(const Dataset& data, std::size_t feature) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const double x = double{data.input(i)[feature]};
    sum += x;
    squares += x * x;
  }
  const auto n = static_cast<double>(data.size());
  return {sum / n, std::sqrt(squares / n - sum / n * (sum / n))};
}

}  // namespace

TEST_CASE("standardising uses the population deviation and leaves constant features unscaled") {
  const auto scaler = etch::fit_standard(rows_of_two({1, 0.1f, 2, 0.1f, 6, 0.1f}));
  CHECK(scaler.mean == std::vector{3.0f, 0.1f});
  CHECK(scaler.scale[0] == Approx(std::sqrt(14.0 / 3)));  // scikit-learn: 2.1602469
  CHECK(scaler.scale[1] == 1.0f);
}

TEST_CASE("constants are fitted on the training digits only and applied to all parts") {
  const auto digits =
      etch::read_csv(ETCH_EXAMPLES_DIR "/data/digits.csv", {.features = 64, .classes = 10});
  const auto parts = etch::split(digits.value(), {0.7, 0.15, 0.15}, 1).value();
  const auto scaler = etch::fit_standard(parts.train);
  const Dataset train = scaler.apply(parts.train);
  const Dataset test = scaler.apply(parts.test);

  double largest_test_mean = 0;
  for (std::size_t j = 0; j < 64; ++j) {
    CHECK(std::abs(moments(train, j).mean) < 1e-5);
    const bool constant = moments(parts.train, j).deviation == 0;
    CHECK(moments(train, j).deviation == Approx(constant ? 0.0 : 1.0).epsilon(1e-4));
    largest_test_mean = std::max(largest_test_mean, std::abs(moments(test, j).mean));
    for (std::size_t i = 0; i < test.size(); ++i) {
      REQUIRE(test.input(i)[j] == (parts.test.input(i)[j] - scaler.mean[j]) / scaler.scale[j]);
    }
  }
  CHECK(largest_test_mean > 0.01);  // fitted there, it would be 0 too
  CHECK(std::ranges::equal(test.labels(), parts.test.labels()));
}

TEST_CASE("min-max scaling maps the training range onto the wanted one") {
  const Dataset train = rows_of_two({-2, 5, 0, 5, 6, 5});
  const Dataset unit = etch::fit_min_max(train).apply(train);
  CHECK(std::ranges::equal(unit.inputs(), std::array{0.0f, 0.0f, 0.25f, 0.0f, 1.0f, 0.0f}));
  const Dataset both = etch::fit_min_max(train, -1, 1).apply(train);
  CHECK(std::ranges::equal(both.inputs(), std::array{-1.0f, -1.0f, -0.5f, -1.0f, 1.0f, -1.0f}));
  const Dataset beyond = etch::fit_min_max(train).apply(rows_of_two({14, 6}));
  CHECK(std::ranges::equal(beyond.inputs(), std::array{2.0f, 1.0f}));
}

TEST_CASE("the inverse gives the original back") {
  const Dataset original = rows_of_two({1, -4, 2, 0, 6, 7, 3, 3});
  for (const auto& scaler : {etch::fit_standard(original), etch::fit_min_max(original, -1, 1),
                             etch::constant_scaler(2, 8, 16)}) {
    const Dataset back = scaler.inverse(scaler.apply(original));
    for (std::size_t i = 0; i < 8; ++i) {
      CHECK(back.inputs()[i] == Approx(original.inputs()[i]).margin(1e-5));
    }
  }
}

TEST_CASE("fitting no rows changes nothing") {
  const auto empty = rows_of_two({});
  for (const auto& scaler : {etch::fit_standard(empty), etch::fit_min_max(empty)}) {
    CHECK(scaler.mean == std::vector{0.0f, 0.0f});
    CHECK(scaler.scale == std::vector{1.0f, 1.0f});
  }
}

TEST_CASE("a dataset with other features than were fitted is refused") {
  CHECK_THROWS_WITH(etch::constant_scaler(3, 0, 1).apply(rows_of_two({1, 2})),
                    "scaler: fitted on 3 features, the dataset has 2");
}
