// SPDX-License-Identifier: BSL-1.0
// Random numbers that are a function of key and place.
#include "etch/expr/mix.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "catch.hpp"

namespace {

using etch::detail::uniform_at;

constexpr std::uint32_t count = 1 << 16;

/// How far n hits in `count` tries with probability p are from what was to be expected, in standard
/// deviations.
double deviation(std::uint32_t hits, double p) {
  return (hits - count * p) / std::sqrt(count * p * (1 - p));
}

template <class Event> std::uint32_t hits(Event event) {
  std::uint32_t n = 0;
  for (std::uint32_t i = 0; i < count; ++i) n += event(i) ? 1 : 0;
  return n;
}

}  // namespace

TEST_CASE("the numbers are even over [0, 1)") {
  std::array<std::uint32_t, 16> bins{};
  for (std::uint32_t i = 0; i < count; ++i) {
    const float u = uniform_at(i, 0, 77, 99);
    REQUIRE((u >= 0 && u < 1));
    ++bins[static_cast<std::size_t>(u * 16)];
  }
  for (const std::uint32_t n : bins) CHECK(std::abs(deviation(n, 1.0 / 16)) < 4);
}

TEST_CASE("neighbours in place, stream and either key have nothing to do with each other") {
  constexpr auto low = [](std::uint32_t i, std::uint32_t s, std::uint32_t a, std::uint32_t b) {
    return uniform_at(i, s, a, b) < 0.5f;
  };
  CHECK(std::abs(deviation(hits([&](auto i) { return low(i, 0, 5, 7) == low(i + 1, 0, 5, 7); }),
                           0.5)) < 4);
  CHECK(std::abs(deviation(hits([&](auto i) { return low(i, 0, 5, 7) == low(i + 64, 0, 5, 7); }),
                           0.5)) < 4);
  CHECK(std::abs(deviation(hits([&](auto i) { return low(i, 0, 5, 7) == low(i, 1, 5, 7); }),
                           0.5)) < 4);
  CHECK(std::abs(deviation(hits([&](auto i) { return low(i, 0, 5, 7) == low(i, 0, 5, 8); }),
                           0.5)) < 4);
  CHECK(std::abs(deviation(hits([&](auto i) { return low(i, 0, 5, 7) == low(i, 0, 6, 7); }),
                           0.5)) < 4);
}
