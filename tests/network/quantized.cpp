// SPDX-License-Identifier: BSL-1.0
#include "etch/network/quantized.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "etch/train.hpp"
#include "numbers.hpp"

namespace {

using namespace etch;
using namespace etch::literals;

template <class Net> std::unique_ptr<Parameters<Net>> drawn() {
  auto parameters = std::make_unique<Parameters<Net>>();
  initialize(*parameters, 3);
  return parameters;
}

/// What the small numbers stand for, as the network's own floats.
template <class Net, class Small>
std::unique_ptr<Parameters<Net>> expanded(const Parameters<Small>& small) {
  auto result = std::make_unique<Parameters<Net>>();
  result->for_each([&](const ParameterInfo& info, auto to) {
    small.for_each([&](const ParameterInfo& same, auto from) {
      if constexpr (to.size() == from.size()) {
        if (!(same.name == info.name)) return;
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(from[i]);
      }
    });
    small.for_each([&](const ParameterInfo& other, auto scale) {
      std::string name(other.name.view());
      const std::size_t at = name.find("_scale");
      if (at == name.npos || name.erase(at, 6) != info.name.view()) return;
      if constexpr (to.size() >= scale.size()) {
        const std::size_t each = to.size() / scale.size();
        for (std::size_t i = 0; i < to.size(); ++i) to[i] *= static_cast<float>(scale[i / each]);
      }
    });
  });
  return result;
}

template <class Net, std::size_t batch>
std::vector<float> outputs_of(const Parameters<Net>& parameters, const std::vector<float>& x) {
  const auto workspace = std::make_unique<Workspace<Net, batch>>();
  constexpr std::size_t inputs = batch * InputShape<Net>::size;
  constexpr std::size_t outputs = batch * OutputShape<Net>::size;
  std::vector<float> y(outputs);
  infer<Net, batch>(parameters, *workspace, std::span<const float, inputs>(x),
                    std::span<float, outputs>(y));
  return y;
}

/// The small network computes what the other one does with the weights that it stands for.
template <class Net, class T, std::size_t batch = 1>
void check_inference(const std::vector<float>& x, float tolerance) {
  const auto parameters = drawn<Net>();
  using Small = Quantized<Net, T>;
  const auto small = std::make_unique<Parameters<Small>>(quantize<T>(*parameters));
  const auto found = outputs_of<Small, batch>(*small, x);
  const auto wanted = outputs_of<Net, batch>(*expanded<Net>(*small), x);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i, found[i], wanted[i]);
    CHECK(std::abs(found[i] - wanted[i]) <= tolerance * (1 + std::abs(wanted[i])));
  }
}

/// int8 rounds activations, too, to 14 bits and more.
template <class Net, std::size_t batch = 1> void check_both() {
  const auto x = numbers(batch * InputShape<Net>::size);
  check_inference<Net, bf16, batch>(x, 2e-6f);
  check_inference<Net, int8, batch>(x, 3e-4f);
}

using Dense = Network<Input<19>, Linear<33>, Tanh, LayerNorm<>, Linear<40>, GELU, Linear<5>>;
using Narrow = Network<Input<9>, Linear<1>, Tanh, Linear<5>, Linear<1>>;
using Steps = Network<Input<4, 3>, Linear<1>, Sigmoid>;
using Images = Network<Input<2, 11, 9>, Conv2d<8, 3, Padding<1>>, BatchNorm2d<>, ReLU,
                       MaxPool2d<2>, Flatten, Linear<4>>;
using Grouped = Network<Input<4, 6, 5>, Conv2d<6, 3, Groups<2>, Stride<2>>, Tanh>;
using Memory = Network<Input<6, 1>, LSTM<19>, GRU<5>, Linear<3>>;
using Sequence = Network<Input<5, 16>, TransformerEncoderLayer<4, 24>>;
/// One channel, odd ones, taps far apart, one output.
using Sound = Network<Input<1, 24>, Conv1d<5, 3, Causal<>>, Tanh,
                      Conv1d<16, 2, Causal<>, Dilation<4>>, ReLU, Conv1d<18, 1>, Tanh,
                      Conv1d<4, 3, Causal<>, Groups<2>>, Conv1d<1, 3, Causal<>>>;
using Larger = Network<Input<3, 5, 4>, ConvTranspose2d<6, 3, Stride<2>, Padding<1>>, Tanh,
                       ConvTranspose2d<2, 3, Groups<2>>>;
using Longer = Network<Input<5, 7>, ConvTranspose1d<4, 4, Stride<2>>, ReLU, ConvTranspose1d<3, 2>>;
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

TEST_CASE("recurrences of small numbers", "[quantized]") {
  check_inference<Memory, int8>(numbers(6), 3e-4f);
}

TEST_CASE("attention of small numbers", "[quantized]") {
  check_inference<Sequence, bf16>(numbers(5 * 16), 2e-6f);
}

TEST_CASE("tables of small numbers", "[quantized]") {
  const std::vector<float> words = {3, 0, 10, 3, 7, 1, 2};
  check_inference<Words, bf16>(words, 2e-6f);
  check_inference<Words, int8>(words, 3e-4f);
}

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

TEST_CASE("weights are quantised in the compiler, too", "[quantized]") {
  using Net = Network<Input<3>, Linear<2>>;
  constexpr auto parameters = [] {
    Parameters<Net> p;
    for (std::size_t i = 0; i < Parameters<Net>::floats; ++i) p.data[i] = float(i % 5) - 2;
    return p;
  }();
  [[maybe_unused]] static constexpr auto small = quantize<int8>(parameters);
  const auto same = quantize<int8>(parameters);
  bool equal = true;
  same.for_each([&](const ParameterInfo& info, auto tensor) {
    small.for_each([&](const ParameterInfo& other, auto of) {
      if constexpr (of.size() == tensor.size()) {
        if (!(other.name == info.name)) return;
        for (std::size_t i = 0; i < of.size(); ++i) equal = equal && of[i] == tensor[i];
      }
    });
  });
  CHECK(equal);
}

TEST_CASE("small numbers take less memory", "[quantized]") {
  using Net = Network<Input<784>, Linear<128>, ReLU, Linear<10>>;
  constexpr std::size_t floats = sizeof(Parameters<Net>);
  static_assert(sizeof(Parameters<Quantized<Net, bf16>>) < floats * 51 / 100);
  static_assert(sizeof(Parameters<Quantized<Net, int8>>) < floats * 27 / 100);
  SUCCEED();
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

/// All results of a stream over x, n steps a call.
template <std::size_t n, class Net>
std::vector<float> streamed(const Parameters<Net>& parameters, const std::vector<float>& x) {
  const auto model = std::make_unique<StreamingModel<Net, n>>(parameters);
  constexpr std::size_t inputs = StreamingModel<Net, n>::inputs;
  std::vector<float> y;
  for (std::size_t i = 0; i + inputs <= x.size(); i += inputs) {
    for (const float v : (*model)(std::span(x).subspan(i).template first<inputs>())) {
      y.push_back(v);
    }
  }
  return y;
}

/// The stream of the small network is that of the weights that it stands for.
template <class Net, class T, std::size_t n> void check_stream(float tolerance) {
  const auto small = quantize<T>(*drawn<Net>());
  const auto x = numbers(4 * StreamingModel<Net, n>::inputs);
  const auto found = streamed<n>(small, x);
  const auto wanted = streamed<n>(*expanded<Net>(small), x);
  REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(n, i, found[i], wanted[i]);
    CHECK(std::abs(found[i] - wanted[i]) <= tolerance * (1 + std::abs(wanted[i])));
  }
}

TEST_CASE("a recurrence of small numbers gives the same bits as a stream", "[quantized]") {
  const auto small = quantize<int8>(*drawn<Memory>());
  const auto x = numbers(6);
  CHECK(streamed<1>(small, x) == outputs_of<Quantized<Memory, int8>, 1>(small, x));
}

TEST_CASE("convolutions of sequences of small numbers, at once and as a stream", "[quantized]") {
  check_both<Sound>();
  check_stream<Sound, bf16, 1>(2e-6f);
  check_stream<Sound, bf16, 4>(2e-6f);
  check_stream<Sound, int8, 1>(3e-4f);
  check_stream<Sound, int8, 4>(3e-4f);
}

TEST_CASE("transposed convolutions of small numbers", "[quantized]") {
  check_both<Larger>();
  check_both<Longer, 2>();
}

TEST_CASE("small numbers are nowhere kept as floats in between", "[quantized]") {
  static_assert(stream_workspace_bytes<Quantized<Sound, bf16>> <= stream_workspace_bytes<Sound>);
  static_assert(workspace_bytes<Quantized<Larger, bf16>> <= workspace_bytes<Larger>);
  static_assert(workspace_bytes<Quantized<Images, bf16>> <= workspace_bytes<Images>);
  static_assert(workspace_bytes<Quantized<Dense, bf16>> <= workspace_bytes<Dense>);
  SUCCEED();
}

}  // namespace
