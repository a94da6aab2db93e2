// SPDX-License-Identifier: BSL-1.0
/// Random numbers with the same bits on every platform, compiler and standard library.
///
/// Only integer arithmetic and the basic IEEE operations are used, in `constexpr`, and the target
/// etch::etch keeps the compiler from contracting these; the standard library's distributions and
/// `std::shuffle` are implementation-defined and therefore avoided.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace etch {

/// Philox4x32-10: four random words as a pure function of a counter and a key.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;  // golden ratio
    key[1] += 0xBB67AE85;  // sqrt(3) - 1
  }
  return counter;
}

/// What the numbers are for: one seed gives independent sequences for each use.
/// The values are part of what a seed means; append, never renumber.
enum class RandomUse : std::uint32_t {
  general = 0,
  split = 1,
  shuffle = 2,
  parameters = 3,
  dropout = 4,
  augmentation = 5
};

namespace detail {

/// Natural logarithm of a positive normal number, to a few ulp. libm's is not the same everywhere.
constexpr double portable_log(double x) noexcept {
  constexpr double sqrt2 = 1.4142135623730951;
  constexpr double ln2 = 0.6931471805599453;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  auto m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
  if (m > sqrt2) {
    m *= 0.5;
    ++exponent;
  }
  // ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...) with |s| <= 0.172: s^24 is below 1 ulp.
  const double s = (m - 1) / (m + 1);
  double sum = 0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * (s * s) + 1.0 / k;
  return exponent * ln2 + 2 * s * sum;
}

}  // namespace detail

/// A sequence of random numbers, given by (seed, use, index); `index` is for example the epoch.
/// Different triples give independent sequences of 2^66 words. Copying copies the position.
/// It is a `std::uniform_random_bit_generator`.
class Random {
 public:
  using result_type = std::uint32_t;

  constexpr explicit Random(std::uint64_t seed, RandomUse use = RandomUse::general,
                            std::uint32_t index = 0) noexcept
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        index_(index),
        use_(static_cast<std::uint32_t>(use)) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

  /// 32 random bits.
  constexpr result_type operator()() noexcept {
    if (used_ == words_.size()) {
      words_ = philox4x32({static_cast<std::uint32_t>(block_),
                           static_cast<std::uint32_t>(block_ >> 32), index_, use_},
                          key_);
      ++block_;
      used_ = 0;
    }
    return words_[used_++];
  }

  /// In [0, 1): a multiple of 2^-24, each equally likely.
  constexpr float uniform() noexcept { return static_cast<float>((*this)() >> 8) * 0x1p-24f; }

  /// In [low, high), or `low` where the two are equal. Requires low <= high, both finite.
  constexpr float uniform(float low, float high) noexcept {
    const double width = double{high} - double{low};
    const auto x = static_cast<float>(double{low} + width * double{uniform()});
    return x < high ? x : low;  // rounding can reach `high`
  }

  /// Standard normal. Draws a varying number of words.
  /// Ratio of uniforms; the quadratic bounds, which spare 99 of 100 logarithms, and their
  /// constants: Leva, "A fast normal random number generator", ACM TOMS 18 (1992) 449-453.
  constexpr float normal() noexcept {
    for (;;) {
      const double u = (double{0x1p-32} * (*this)()) + 0x1p-32;
      const double v = 1.7156 * (0x1p-32 * (*this)() - 0.5);
      const double x = u - 0.449871;
      const double y = (v < 0 ? -v : v) + 0.386595;
      const double q = x * x + y * (0.19600 * y - 0.25472 * x);
      if (q < 0.27597) return static_cast<float>(v / u);
      if (q <= 0.27846 && v * v <= -4 * u * u * detail::portable_log(u)) {
        return static_cast<float>(v / u);
      }
    }
  }

  constexpr float normal(float mean, float standard_deviation) noexcept {
    return mean + standard_deviation * normal();
  }

  /// In [0, count), every value equally likely. Requires count > 0.
  /// Source: Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019).
  constexpr std::uint32_t below(std::uint32_t count) noexcept {
    std::uint64_t product = std::uint64_t{(*this)()} * count;
    if (static_cast<std::uint32_t>(product) < count) {
      const std::uint32_t threshold = (0u - count) % count;  // 2^32 mod count
      while (static_cast<std::uint32_t>(product) < threshold) {
        product = std::uint64_t{(*this)()} * count;
      }
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint32_t index_;
  std::uint32_t use_;
  std::uint64_t block_ = 0;
  std::array<std::uint32_t, 4> words_{};
  std::size_t used_ = 4;
};

/// Fisher-Yates: every order equally likely. Requires at most 2^32 - 1 items.
template <class T, std::size_t N>
constexpr void shuffle(std::span<T, N> items, Random& random) noexcept {
  for (std::size_t left = items.size(); left > 1; --left) {
    const std::size_t pick = random.below(static_cast<std::uint32_t>(left));
    std::swap(items[left - 1], items[pick]);
  }
}

}  // namespace etch
