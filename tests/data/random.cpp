// SPDX-License-Identifier: BSL-1.0
#include "etch/data/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "catch.hpp"

namespace {

using etch::Random;
using etch::RandomUse;
using Words = std::array<std::uint32_t, 4>;

// Random123's published known answers for philox4x32 with 10 rounds.
static_assert(etch::philox4x32({0, 0, 0, 0}, {0, 0}) ==
              Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(etch::philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                               {0xffffffff, 0xffffffff}) ==
              Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(etch::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                               {0xa4093822, 0x299f31d0}) ==
              Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

static_assert(std::uniform_random_bit_generator<Random>);
static_assert(Random(0)() == 0x6627e8d5, "seed 0 starts at counter 0, key 0");

constexpr float constant_normal = [] {
  Random random(1);
  return random.normal();
}();

/// Pearson's statistic for equally likely bins.
double chi_square(std::span<const int> counts, double expected) {
  double sum = 0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

}  // namespace

TEST_CASE("different seeds, uses and indices give different sequences") {
  const auto first = [](Random random) { return random(); };
  std::vector<std::uint32_t> words;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32}) {
    for (const RandomUse use : {RandomUse::general, RandomUse::split, RandomUse::dropout}) {
      for (const std::uint32_t index : {0u, 1u}) words.push_back(first(Random(seed, use, index)));
    }
  }
  std::ranges::sort(words);
  CHECK(std::ranges::adjacent_find(words) == words.end());
}

TEST_CASE("a sequence goes on through the blocks of the counter") {
  Random random(7, RandomUse::shuffle, 3);
  for (std::uint32_t block = 0; block < 3; ++block) {
    const auto words =
        etch::philox4x32({block, 0, 3, static_cast<std::uint32_t>(RandomUse::shuffle)}, {7, 0});
    for (const std::uint32_t word : words) CHECK(random() == word);
  }
}

TEST_CASE("uniform numbers fill [0, 1) evenly and never reach 1") {
  Random random(1);
  std::array<int, 16> counts{};
  double sum = 0;
  for (int i = 0; i < 16000; ++i) {
    const float u = random.uniform();
    REQUIRE((u >= 0.0f && u < 1.0f));
    ++counts[static_cast<std::size_t>(u * 16)];
    sum += double{u};
  }
  CHECK(chi_square(counts, 1000) < 30.6);  // 99 % point of 15 degrees of freedom
  CHECK(std::abs(sum / 16000 - 0.5) < 0.007);
}

TEST_CASE("uniform numbers stay in their range even where it is a few ulp wide") {
  Random random(2);
  const float high = std::nextafter(std::nextafter(1.0f, 2.0f), 2.0f);
  for (int i = 0; i < 1000; ++i) {
    const float narrow = random.uniform(1.0f, high);
    REQUIRE((narrow >= 1.0f && narrow < high));
    const float wide = random.uniform(-3.0f, 5.0f);
    REQUIRE((wide >= -3.0f && wide < 5.0f));
  }
  CHECK(random.uniform(4.0f, 4.0f) == 4.0f);
}

TEST_CASE("normal numbers have the moments and tails of the normal distribution") {
  Random random(1);
  constexpr int n = 40000;
  double sum = 0, squares = 0, cubes = 0, fourths = 0;
  int beyond_2 = 0, beyond_3 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = double{random.normal()};
    sum += x;
    squares += x * x;
    cubes += x * x * x;
    fourths += x * x * x * x;
    beyond_2 += std::abs(x) > 2;
    beyond_3 += std::abs(x) > 3;
  }
  // Bounds are about three standard errors.
  CHECK(std::abs(sum / n) < 0.015);
  CHECK(std::abs(squares / n - 1) < 0.022);
  CHECK(std::abs(cubes / n) < 0.06);
  CHECK(std::abs(fourths / n - 3) < 0.15);
  CHECK(std::abs(beyond_2 - n * 0.0455) < 130);
  CHECK(std::abs(beyond_3 - n * 0.0027) < 32);
}

TEST_CASE("normal numbers have the same bits in constant evaluation and on every platform") {
  Random random(1);
  CHECK(random.normal() == constant_normal);
  std::uint64_t digest = 0;
  for (int i = 0; i < 1000; ++i) {
    digest = digest * 1099511628211u + std::bit_cast<std::uint32_t>(random.normal());
  }
  CHECK(digest == 0x57df5df5ce38c795);
}

TEST_CASE("the portable logarithm agrees with libm's") {
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    const double x = std::ldexp(1.0 + double{random.uniform()}, static_cast<int>(i % 80) - 60);
    REQUIRE(etch::detail::portable_log(x) == Approx(std::log(x)).epsilon(1e-14).margin(1e-15));
  }
  CHECK(etch::detail::portable_log(1.0) == 0.0);
}

TEST_CASE("numbers below a bound are equally likely") {
  Random random(1);
  for (const std::uint32_t bound : {1u, 2u, 10u}) {
    std::vector<int> counts(bound);
    for (std::uint32_t i = 0; i < 1000 * bound; ++i) ++counts.at(random.below(bound));
    CHECK(chi_square(counts, 1000) < 21.7);  // 99 % point of 9 degrees of freedom
  }
}

TEST_CASE("a bound that does not divide 2^32 is not biased towards some values") {
  // Without rejection the multiples of 3 would come twice as often as the others.
  constexpr std::uint32_t bound = 0xC0000000;
  Random random(1);
  std::array<int, 3> thirds{};
  for (int i = 0; i < 6000; ++i) {
    const std::uint32_t x = random.below(bound);
    REQUIRE(x < bound);
    ++thirds[x % 3];
  }
  CHECK(chi_square(thirds, 2000) < 9.2);  // 99 % point of 2 degrees of freedom
}

TEST_CASE("shuffling gives every order equally often and loses nothing") {
  Random random(1);
  std::array<int, 24> counts{};
  for (int i = 0; i < 24 * 500; ++i) {
    std::array<int, 4> items{0, 1, 2, 3};
    etch::shuffle(std::span(items), random);
    int rank = 0;
    for (std::size_t a = 0; a < 4; ++a) {
      int smaller_after = 0;
      for (std::size_t b = a + 1; b < 4; ++b) smaller_after += items[b] < items[a];
      rank = rank * static_cast<int>(4 - a) + smaller_after;
    }
    ++counts.at(static_cast<std::size_t>(rank));
  }
  CHECK(chi_square(counts, 500) < 41.6);  // 99 % point of 23 degrees of freedom
}

TEST_CASE("shuffling nothing or one item changes nothing") {
  Random random(1);
  std::array<int, 1> one{42};
  etch::shuffle(std::span(one), random);
  etch::shuffle(std::span<int>{}, random);
  CHECK(one[0] == 42);
}
