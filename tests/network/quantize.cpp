// SPDX-License-Identifier: BSL-1.0
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "catch.hpp"
#include "etch/network/quantized.hpp"
#include "etch/train.hpp"

namespace {

using namespace etch;
using namespace etch::literals;

TEST_CASE("bf16 rounds to the nearest, halves to the even one", "[quantized]") {
  static_assert(bf16(1.f) == 1.f && bf16(-0.5f) == -0.5f);
  static_assert(bf16(1.00390625f) == 1.f);        // 1 + 2^-8, half a step
  static_assert(bf16(1.01171875f) == 1.015625f);  // 1 + 3 * 2^-8
  static_assert(bf16(1.0040f) == 1.0078125f);
  CHECK(std::isnan(float(bf16(std::numeric_limits<float>::quiet_NaN()))));
  CHECK(std::isinf(float(bf16(std::numeric_limits<float>::max()))));
}

TEST_CASE("each output has a scale, with which its largest weight is 127", "[quantized]") {
  using Net = Network<Input<3>, Linear<2>>;
  Parameters<Net> parameters;
  parameters["0.weight"_k].copy_from(std::array<float, 6>{1, -4, 2, 0, 0, 0});
  parameters["0.bias"_k].copy_from(std::array<float, 2>{5, 6});
  const auto small = quantize<int8>(parameters);
  const auto weight = small["0.weight"_k];
  static_assert(std::is_same_v<decltype(weight(0, 0)), const int8&>);
  CHECK(int{weight(0, 0)} == 32);  // 31.75
  CHECK(int{weight(0, 1)} == -127);
  CHECK(int{weight(0, 2)} == 64);  // 63.5, to the even one
  CHECK(int{weight(1, 2)} == 0);
  CHECK(small["0.weight_scale"_k](0) == 4.f / 127);
  CHECK(small["0.weight_scale"_k](1) == 0);
  CHECK(small["0.bias"_k](1) == 6);
}

TEST_CASE("scales and shifts of norms stay floats, whatever their shape", "[quantized]") {
  using Net = Network<Input<5, 6>, LayerNorm<Shape<5, 6>>, Linear<3>, RMSNorm<Shape<5, 3>>>;
  for (const PlacedParameter& p : parameter_table<Quantized<Net, bf16>>) {
    CAPTURE(p.info.name.view());
    CHECK((p.info.type == NumberType::b16) == (p.info.name.view() == "1.weight"));
  }
}

TEST_CASE("smaller weights are equal by their bits, whatever floats they make", "[quantized]") {
  using Net = Network<Input<2>, Linear<2>>;
  Parameters<Net> parameters;
  parameters["0.weight"_k].copy_from(std::array<float, 4>{0, 1, -1, 1});
  const auto small = quantize<int8>(parameters);
  CHECK(std::isnan(small.data[0]));
  CHECK(small == quantize<int8>(parameters));
  parameters["0.weight"_k](0, 0) = 1;
  CHECK_FALSE(small == quantize<int8>(parameters));
}

TEST_CASE("a hundred thousand weights are quantised in the compiler, too", "[quantized]") {
  using Net = Network<Input<784>, Linear<128>, ReLU, Linear<10>>;
  static constexpr auto parameters = [] {
    Parameters<Net> p;
    for (std::size_t i = 0; i < p.floats; ++i) p.data[i] = static_cast<float>(i % 251) / 7 - 18;
    return p;
  }();
  static constexpr auto small = quantize<int8>(parameters);
  CHECK(small == quantize<int8>(parameters));
}

TEST_CASE("small numbers take less memory", "[quantized]") {
  using Net = Network<Input<784>, Linear<128>, ReLU, Linear<10>>;
  constexpr std::size_t floats = sizeof(Parameters<Net>);
  static_assert(sizeof(Parameters<Quantized<Net, bf16>>) < floats * 51 / 100);
  static_assert(sizeof(Parameters<Quantized<Net, int8>>) < floats * 27 / 100);
  SUCCEED();
}

}  // namespace
