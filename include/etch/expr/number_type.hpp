// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

// What the numbers of a parameter are in memory. Smaller weights take less of it and of the way
// from there; arithmetic is in float, but for products with 8-bit integers (see Quantized).

namespace etch {

/// bfloat16: the upper half of a float. It may lie in memory that is declared as floats.
struct [[gnu::may_alias]] bf16 {
  std::uint16_t bits = 0;

  constexpr bf16() = default;
  /// To the nearest, halves to the even one; NaN stays NaN.
  constexpr explicit bf16(float x) {
    const auto all = std::bit_cast<std::uint32_t>(x);
    if (x != x) bits = static_cast<std::uint16_t>(all >> 16 | 0x40);
    else bits = static_cast<std::uint16_t>((all + 0x7fff + (all >> 16 & 1)) >> 16);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): nothing is lost
  constexpr operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
  constexpr bool operator==(const bf16&) const = default;
};

/// Multiples of a scale that each output of a layer has for its own, -127 to 127.
using int8 = std::int8_t;

enum class NumberType : unsigned char { f32, b16, i8 };

constexpr std::size_t bytes_of(NumberType type) {
  return type == NumberType::f32 ? 4 : type == NumberType::b16 ? 2 : 1;
}

namespace detail {
template <class T> inline constexpr NumberType number_type = NumberType::f32;
template <> inline constexpr NumberType number_type<bf16> = NumberType::b16;
template <> inline constexpr NumberType number_type<int8> = NumberType::i8;

template <NumberType type> struct stored_number { using of = float; };
template <> struct stored_number<NumberType::b16> { using of = bf16; };
template <> struct stored_number<NumberType::i8> { using of = int8; };
}  // namespace detail

}  // namespace etch
