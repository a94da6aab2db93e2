// SPDX-License-Identifier: BSL-1.0
#include "etch/io/tensor_file.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "catch.hpp"

namespace {

using etch::detail::byte_count;
using etch::detail::Encoding;
using etch::detail::float_of;

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }
float of_double(double x) { return float_of(Encoding::f64, std::bit_cast<std::uint64_t>(x)); }

}  // namespace

TEST_CASE("every finite half is the number that its definition says") {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const int exponent = static_cast<int>(half >> 10 & 0x1F);
    const int fraction = static_cast<int>(half & 0x3FF);
    if (exponent == 31) continue;
    const float magnitude = exponent == 0
                                ? std::ldexp(static_cast<float>(fraction), -24)
                                : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
    const float expected = (half & 0x8000) != 0 ? -magnitude : magnitude;
    if (bits(float_of(Encoding::f16, half)) != bits(expected)) FAIL(half);
  }
}

TEST_CASE("halves that are infinite or NaN stay so, with sign and payload") {
  CHECK(bits(float_of(Encoding::f16, 0x7C00)) == 0x7F800000);
  CHECK(bits(float_of(Encoding::f16, 0xFC00)) == 0xFF800000);
  CHECK(bits(float_of(Encoding::f16, 0x7E00)) == 0x7FC00000);
  CHECK(bits(float_of(Encoding::f16, 0xFE01)) == 0xFFC02000);
}

TEST_CASE("a bfloat16 is the upper half of a float") {
  CHECK(bits(float_of(Encoding::bf16, 0x3F80)) == bits(1.0f));
  CHECK(bits(float_of(Encoding::bf16, 0x8000)) == bits(-0.0f));
  CHECK(bits(float_of(Encoding::bf16, 0x0001)) == bits(0x1p-133f));
  CHECK(bits(float_of(Encoding::bf16, 0xFF80)) == 0xFF800000);
  CHECK(bits(float_of(Encoding::bf16, 0x7FC1)) == 0x7FC10000);
}

TEST_CASE("a double becomes the nearest float") {
  CHECK(bits(of_double(0.1)) == bits(0.1f));
  CHECK(bits(of_double(-0.0)) == bits(-0.0f));
  CHECK(bits(of_double(1 + 0x1p-24)) == bits(1.0f));  // a tie goes to the even one
  CHECK(bits(of_double(1 + 0x1.8p-23)) == bits(1 + 0x1p-22f));
  CHECK(bits(of_double(0x1.8p-149)) == bits(0x1p-148f));
  CHECK(bits(of_double(0x1p-150)) == bits(0.0f));
  CHECK(of_double(1e39) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(of_double(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("sizes that cannot be counted are none") {
  CHECK(byte_count({}, Encoding::f32) == 4u);
  CHECK(byte_count({3, 8}, Encoding::f64) == 192u);
  CHECK(byte_count({3, 0}, Encoding::f32) == 0u);
  CHECK(byte_count({std::uint64_t{1} << 61}, Encoding::f32) == std::uint64_t{1} << 63);
  CHECK_FALSE(byte_count({std::uint64_t{1} << 62}, Encoding::f32));
  CHECK_FALSE(byte_count({std::uint64_t{1} << 32, std::uint64_t{1} << 32}, Encoding::f16));
}

TEST_CASE("names and shapes of a file are shown harmlessly") {
  CHECK(etch::detail::shown("a\x1b[31m\n") == "a?[31m?");
  CHECK(etch::detail::shown(std::string(1000, 'z')) == std::string(64, 'z') + "...");
  CHECK(etch::detail::shape_text(etch::detail::FileShape{}) == "[]");
  CHECK(etch::detail::shape_text(etch::detail::FileShape{3, 8}) == "[3, 8]");
  CHECK(etch::detail::shape_text(etch::detail::FileShape(16, 1)).ends_with(" 1, 1]"));
  CHECK(etch::detail::shape_text(etch::detail::FileShape(17, 1)).ends_with(" 1, 1, ...]"));
}
