// SPDX-License-Identifier: BSL-1.0
#include "etch/data/batches.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "catch.hpp"

namespace {

using etch::Batches;
using etch::Dataset;
using Rows = std::vector<std::uint32_t>;

Rows in_order(const Batches& batches) {
  Rows all;
  for (const auto rows : batches) all.insert(all.end(), rows.begin(), rows.end());
  return all;
}

Rows counting(std::size_t rows) {
  Rows all(rows);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

}  // namespace

TEST_CASE("an epoch visits each row once, the last batch being smaller") {
  Batches batches(103, 25, 1);
  for (const std::uint32_t epoch : {0u, 1u, 7u}) {
    batches.start_epoch(epoch);
    CHECK(batches.size() == 5);
    CHECK(batches.full() == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(batches[i].size() == 25);
    CHECK(batches[4].size() == 3);
    CHECK(std::ranges::equal(batches[4], batches.remainder()));
    Rows all = in_order(batches);
    CHECK(all != counting(103));
    std::ranges::sort(all);
    CHECK(all == counting(103));
  }
}

TEST_CASE("the smaller last batch can be dropped") {
  const Batches batches(103, 25, 1, {.drop_last = true});
  CHECK(batches.size() == 4);
  CHECK(batches.remainder().empty());
  CHECK(in_order(batches).size() == 100);
}

TEST_CASE("rows that fill their batches leave no remainder") {
  const Batches batches(100, 25, 1);
  CHECK(batches.size() == 4);
  CHECK(batches.remainder().empty());
  CHECK(Batches(0, 25, 1).size() == 0);
  CHECK(Batches(3, 25, 1).size() == 1);
  CHECK(Batches(3, 25, 1).full() == 0);
}

TEST_CASE("without shuffling the rows come in order, in every epoch") {
  Batches batches(10, 4, 1, {.shuffle = false});
  CHECK(in_order(batches) == counting(10));
  batches.start_epoch(3);
  CHECK(in_order(batches) == counting(10));
}

TEST_CASE("the order depends on seed and epoch alone, and is the same for ever") {
  Batches batches(1797, 32, 1);
  const Rows epoch_0 = in_order(batches);
  batches.start_epoch(1);
  const Rows epoch_1 = in_order(batches);
  CHECK(Rows(epoch_1.begin(), epoch_1.begin() + 6) == Rows{318, 848, 512, 607, 1031, 112});
  CHECK(epoch_0 != epoch_1);
  CHECK(in_order(Batches(1797, 32, 2)) != epoch_0);

  batches.start_epoch(0);  // resumed, not continued
  CHECK(in_order(batches) == epoch_0);
  CHECK(in_order(Batches(1797, 10, 1)) == epoch_0);
}

TEST_CASE("gathering copies rows and labels to the front of the caller's buffers") {
  const auto data = Dataset::classification(2, 9, {0, 1, 10, 11, 20, 21}, {5, 6, 7}).value();
  const std::array<std::uint32_t, 2> rows{2, 0};
  std::array<float, 5> x;
  x.fill(-1);
  std::array<std::uint32_t, 3> y{99, 99, 99};
  etch::gather(data, rows, std::span<float>(x), std::span<std::uint32_t>(y));
  CHECK(x == std::array{20.0f, 21.0f, 0.0f, 1.0f, -1.0f});
  CHECK(y == std::array{7u, 5u, 99u});
}

TEST_CASE("gathering copies rows of targets") {
  const auto data = Dataset::regression(1, 2, {1, 2}, {10, 11, 20, 21}).value();
  const std::array<std::uint32_t, 3> rows{1, 0, 1};
  std::array<float, 3> x;
  std::array<float, 6> y;
  etch::gather(data, rows, std::span<float>(x), std::span<float>(y));
  CHECK(x == std::array{2.0f, 1.0f, 2.0f});
  CHECK(y == std::array{20.0f, 21.0f, 10.0f, 11.0f, 20.0f, 21.0f});
}
