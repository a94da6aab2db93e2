// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

// The random numbers of formulas: a pure function of a key and of the place in a tensor, so that
// neither threads nor lanes nor recomputing change them. Here in plain C++; kernels/random.hpp does
// the same for vectors.

namespace etch::detail {

/// One round spreads each bit over all (Wellons 2018, "lowbias32").
inline constexpr std::uint32_t mix_factors[2] = {0x7feb352d, 0x846ca68b};
inline constexpr int mix_shifts[3] = {16, 15, 16};

constexpr std::uint32_t mixed(std::uint32_t x) {
  x = (x ^ x >> mix_shifts[0]) * mix_factors[0];
  x = (x ^ x >> mix_shifts[1]) * mix_factors[1];
  return x ^ x >> mix_shifts[2];
}

/// In [0, 1), a multiple of 2^-24. Keys are whole numbers below 2^24, which floats hold exactly;
/// `stream`
/// tells the tensors of one tape apart, up to 256 of them.
constexpr float uniform_at(std::uint32_t place, std::uint32_t stream, std::uint32_t key0,
                           std::uint32_t key1) {
  const std::uint32_t x = mixed(mixed(place + key0) + (key1 ^ stream << 24));
  return static_cast<float>(x >> 8) * 0x1p-24f;
}

}  // namespace etch::detail
