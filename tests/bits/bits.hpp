// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "etch/data/random.hpp"

// What the programs share whose bits are compared with those of other machines.

/// FNV-1a over the bit patterns; all NaN are one, as processors differ in sign and payload.
constexpr std::uint64_t hash(std::span<const float> values) {
  std::uint64_t h = 14695981039346656037u;
  for (const float v : values) {
    h = (h ^ (v == v ? std::bit_cast<std::uint32_t>(v) : 0x7fc00000u)) * 1099511628211u;
  }
  return h;
}

constexpr void fill(std::span<float> values, std::uint64_t seed) {
  etch::Random random(seed);
  for (float& v : values) v = random.uniform(-2, 2);
}
