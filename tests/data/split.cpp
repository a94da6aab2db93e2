// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "catch.hpp"
#include "etch/data/dataset.hpp"

namespace {

using etch::Dataset;
using etch::Fractions;

/// Row i holds the features 2 i, 2 i + 1 and the label i mod 3.
Dataset numbered(std::size_t rows) {
  std::vector<float> inputs(2 * rows);
  std::iota(inputs.begin(), inputs.end(), 0.0f);
  std::vector<std::uint32_t> labels;
  for (std::size_t i = 0; i < rows; ++i) labels.push_back(static_cast<std::uint32_t>(i % 3));
  return Dataset::classification(2, 3, inputs, labels).value();
}

std::array<std::size_t, 3> sizes(std::size_t rows, Fractions fractions) {
  const auto parts = etch::split_rows(rows, fractions, 1).value();
  return {parts.train.size(), parts.validation.size(), parts.test.size()};
}

}  // namespace

TEST_CASE("a dataset is refused where sizes or labels disagree") {
  const auto message = [](std::size_t features, std::size_t classes, std::vector<float> inputs,
                          std::vector<std::uint32_t> labels) {
    return Dataset::classification(features, classes, inputs, labels).error().message;
  };
  CHECK(message(2, 3, {1, 2, 3}, {0, 1}) == "dataset: 2 rows of 2 features need 4 inputs, got 3");
  CHECK(message(1, 3, {1, 2}, {0, 3}) == "dataset: label 3 of row 1 is out of range (0..2)");
  CHECK(message(1, 0, {1}, {0}) == "dataset: there must be at least one class");
  CHECK(message(0, 1, {}, {0}) == "dataset: there must be at least one feature");
  CHECK(Dataset::regression(1, 2, {1}, {1, 2, 3}).error().message ==
        "dataset: 3 targets are no rows of 2");
}

TEST_CASE("selected rows keep their inputs, labels and targets") {
  const std::array<std::uint32_t, 3> rows{4, 0, 4};
  const Dataset some = numbered(5).select(rows);
  CHECK(std::ranges::equal(some.inputs(), std::array{8.0f, 9.0f, 0.0f, 1.0f, 8.0f, 9.0f}));
  CHECK(std::ranges::equal(some.labels(), std::array{1u, 0u, 1u}));
  CHECK(some.size() == 3);
  CHECK(some.classes() == 3);

  const auto regression = Dataset::regression(1, 2, {1, 2}, {10, 11, 20, 21}).value();
  const std::array<std::uint32_t, 1> second{1};
  CHECK(std::ranges::equal(regression.select(second).targets(), std::array{20.0f, 21.0f}));
}

TEST_CASE("every row is in exactly one part") {
  for (const std::size_t rows : {0u, 1u, 2u, 3u, 10u, 1797u}) {
    const auto parts = etch::split_rows(rows, {0.7, 0.15, 0.15}, 5).value();
    std::vector<std::uint32_t> all = parts.train;
    all.insert(all.end(), parts.validation.begin(), parts.validation.end());
    all.insert(all.end(), parts.test.begin(), parts.test.end());
    std::ranges::sort(all);
    std::vector<std::uint32_t> expected(rows);
    std::iota(expected.begin(), expected.end(), 0u);
    CHECK(all == expected);
  }
}

TEST_CASE("the parts have the sizes of PyTorch's random_split") {
  using Sizes = std::array<std::size_t, 3>;
  CHECK(sizes(1797, {0.7, 0.15, 0.15}) == Sizes{1258, 270, 269});
  CHECK(sizes(10, {0.7, 0.15, 0.15}) == Sizes{8, 1, 1});
  CHECK(sizes(1, {0.7, 0.15, 0.15}) == Sizes{1, 0, 0});
  CHECK(sizes(7, {1, 0, 0}) == Sizes{7, 0, 0});
  CHECK(sizes(5, {0, 0.5, 0.5}) == Sizes{0, 3, 2});
}

TEST_CASE("a seed means the same split on every platform and for ever") {
  const auto parts = etch::split_rows(1797, {0.7, 0.15, 0.15}, 1).value();
  const auto first = [](const std::vector<std::uint32_t>& rows) {
    return std::vector(rows.begin(), rows.begin() + 4);
  };
  CHECK(first(parts.train) == std::vector<std::uint32_t>{258, 1459, 171, 464});
  CHECK(first(parts.validation) == std::vector<std::uint32_t>{164, 5, 1251, 1323});
  CHECK(first(parts.test) == std::vector<std::uint32_t>{546, 648, 76, 1069});

  CHECK(etch::split_rows(1797, {0.7, 0.15, 0.15}, 1)->train == parts.train);
  CHECK(etch::split_rows(1797, {0.7, 0.15, 0.15}, 2)->train != parts.train);
}

TEST_CASE("a split dataset has each row's label beside its inputs") {
  const auto [train, validation, test] = etch::split(numbered(20), {0.5, 0.25, 0.25}, 3).value();
  CHECK(train.size() == 10);
  for (const Dataset* part : {&train, &validation, &test}) {
    CHECK(part->classes() == 3);
    for (std::size_t i = 0; i < part->size(); ++i) {
      const auto row = static_cast<std::uint32_t>(part->input(i)[0]) / 2;
      CHECK(part->input(i)[1] == part->input(i)[0] + 1);
      CHECK(part->label(i) == row % 3);
    }
  }
}

TEST_CASE("fractions that are no shares of one are refused") {
  CHECK(etch::split(numbered(4), {0.7, 0.2, 0.2}, 1).error().message ==
        "split: the fractions sum to 1.100000, not to 1");
  CHECK(etch::split(numbered(4), {1.5, -0.5, 0}, 1).error().message ==
        "split: a fraction is -0.500000, not 0 or more");
  CHECK_FALSE(etch::split(numbered(4), {std::nan(""), 0.5, 0.5}, 1));
}
