// SPDX-License-Identifier: BSL-1.0
#include "quantized_check.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "etch/etch.hpp"

namespace {

using namespace etch;
using namespace etch::literals;
using namespace quantized;

using Dense = Network<Input<19>, Linear<33>, Tanh, LayerNorm<>, Linear<40>, GELU, Linear<5>>;
using Narrow = Network<Input<9>, Linear<1>, Tanh, Linear<5>, Linear<1>>;
using Steps = Network<Input<4, 3>, Linear<1>, Sigmoid>;
using Images = Network<Input<2, 11, 9>, Conv2d<8, 3, Padding<1>>, BatchNorm2d<>, ReLU,
                       MaxPool2d<2>, Flatten, Linear<4>>;
using Grouped = Network<Input<4, 6, 5>, Conv2d<6, 3, Groups<2>, Stride<2>>, Tanh>;
using Tied = Network<Input<10>, Share<"tied", Linear<10>>, Tanh, Share<"tied", Linear<10>>>;
using Words = Network<Input<7>, Embedding<11, 6>, Linear<3>>;

TEST_CASE("dense layers of small numbers", "[quantized]") {
  check_both<Dense>();
  check_both<Dense, 7>();
}

TEST_CASE("a single output and a single input of small numbers", "[quantized]") {
  check_both<Narrow>();
  check_both<Narrow, 5>();
  check_both<Steps>();
}

TEST_CASE("convolutions of small numbers", "[quantized]") {
  check_both<Images>();
  check_both<Grouped, 2>();
}

TEST_CASE("layers that share small numbers", "[quantized]") { check_both<Tied>(); }

TEST_CASE("tables of small numbers", "[quantized]") {
  const std::vector<float> words = {3, 0, 10, 3, 7, 1, 2};
  check_inference<Words, bf16>(words, 2e-6f);
  check_inference<Words, int8>(words, 3e-4f);
}

TEST_CASE("what is not finite is not lost in integers", "[quantized]") {
  const auto parameters = drawn<Dense>();
  const auto small = quantize<int8>(*parameters);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    auto x = numbers(19);
    x[17] = bad;
    for (const float y : outputs_of<Quantized<Dense, int8>, 1>(small, x)) CHECK(std::isnan(y));
  }
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    auto weights = *parameters;
    weights["0.weight"_k](2, 1) = bad;
    const auto y = outputs_of<Quantized<Dense, int8>, 1>(quantize<int8>(weights), numbers(19));
    for (const float v : y) CHECK(std::isnan(v));
  }
  const auto bias_only = outputs_of<Quantized<Dense, int8>, 1>(small, std::vector<float>(19, 0.f));
  for (const float y : bias_only) CHECK(std::isfinite(y));
}

TEST_CASE("int8 rounds inputs to 1/16000 of the largest, however many", "[quantized]") {
  using Net = Network<Input<5000>, Linear<3, Bias<false>>>;
  Parameters<Net> ones;
  for (std::size_t i = 0; i < 15000; ++i) ones["0.weight"_k][i] = i % 5000 == 0 ? 0.f : 1.f;
  const auto small = quantize<int8>(ones);
  const auto run = [&](const std::vector<float>& x) {
    return outputs_of<Quantized<Net, int8>, 1>(small, x);
  };
  check_rounding(5000, 5000, 1e5f, 1, run);
  for (int i = 1; i < 20; ++i) check_rounding(5000, 5000, 1, static_cast<float>(i) * 1.7e-5f, run);
}

TEST_CASE("small numbers are nowhere kept as floats in between", "[quantized]") {
  static_assert(workspace_bytes<Quantized<Images, bf16>> <= workspace_bytes<Images>);
  static_assert(workspace_bytes<Quantized<Dense, bf16>> <= workspace_bytes<Dense>);
  SUCCEED();
}

}  // namespace
