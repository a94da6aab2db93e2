// SPDX-License-Identifier: BSL-1.0
#include "etch/data/number.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <utility>

#include "catch.hpp"
#include "etch/data/random.hpp"

using etch::NumberFault;
using etch::parse_number;

TEST_CASE("a number's text gives back every bit of it, through either parser") {
  etch::Random random(1);
  for (int i = 0; i < 5000; ++i) {
    const auto x = std::bit_cast<float>(random());
    if (!std::isfinite(x)) continue;
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", double{x});
    INFO(text);
    for (const auto parsed :
         {parse_number<float>(text), etch::detail::parse_with_strtod<float>(text)}) {
      REQUIRE(parsed.fault == NumberFault::none);
      REQUIRE(std::bit_cast<std::uint32_t>(parsed.value) == std::bit_cast<std::uint32_t>(x));
    }
  }
}

TEST_CASE("both parsers accept and refuse the same texts") {
  const auto none = NumberFault::none;
  const auto not_a_number = NumberFault::not_a_number;
  const auto not_finite = NumberFault::not_finite;
  const std::pair<const char*, NumberFault> cases[] = {
      {"0", none},           {"-0.5", none},
      {".5", none},          {"5.", none},
      {"1e-3", none},        {"1E+3", none},
      {"nan", not_finite},   {"-NaN", not_finite},
      {"inf", not_finite},   {"Infinity", not_finite},
      {"1e999", not_finite}, {"-1e999", not_finite},
      {"", not_a_number},    {"-", not_a_number},
      {".", not_a_number},   {"e5", not_a_number},
      {"1e", not_a_number},  {"0x1p3", not_a_number},
      {" 1", not_a_number},  {"1 ", not_a_number},
      {"1,5", not_a_number}, {"1_000", not_a_number},
      {"--1", not_a_number}, {"1.2.3", not_a_number},
  };
  for (const auto& [text, fault] : cases) {
    INFO(text);
    CHECK(parse_number<float>(text).fault == fault);
    CHECK(parse_number<double>(text).fault == fault);
    CHECK(etch::detail::parse_with_strtod<float>(text).fault == fault);
    CHECK(etch::detail::parse_with_strtod<double>(text).fault == fault);
  }
}

TEST_CASE("a leading plus is accepted once") {
  CHECK(parse_number<float>("+1.5").value == 1.5f);
  CHECK(parse_number<float>("+").fault == NumberFault::not_a_number);
  CHECK(parse_number<float>("++1").fault == NumberFault::not_a_number);
  CHECK(parse_number<float>("+-1").fault == NumberFault::not_a_number);
}

TEST_CASE("what is too small becomes a denormal or zero, not an error") {
  CHECK(parse_number<float>("1e-60").fault == NumberFault::none);
  CHECK(parse_number<float>("1e-60").value == 0.0f);
  CHECK(parse_number<float>("1.4e-45").value == std::numeric_limits<float>::denorm_min());
}
