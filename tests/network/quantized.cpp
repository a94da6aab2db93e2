// SPDX-License-Identifier: BSL-1.0
#include "etch/network/quantized.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
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

/// The i-th number of a parameter in row-major order.
float number(const float* data, const PlacedParameter& p, std::size_t i) {
  const std::size_t place = p.info.place_of(i);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(data + p.offset);
  if (p.info.type == NumberType::f32) return data[p.offset + place];
  if (p.info.type == NumberType::i8) return static_cast<signed char>(bytes[place]);
  bf16 half;
  std::memcpy(&half.bits, bytes + 2 * place, 2);
  return half;
}

/// What the small numbers stand for, as the network's own floats.
template <class Net, class Small>
std::unique_ptr<Parameters<Net>> expanded(const Parameters<Small>& small) {
  auto result = std::make_unique<Parameters<Net>>();
  for (const PlacedParameter& to : parameter_table<Net>) {
    const std::size_t each = to.info.shape.size() / to.info.shape[0];
    for (const PlacedParameter& from : parameter_table<Small>) {
      if (!(from.info.name == to.info.name)) continue;
      for (std::size_t i = 0; i < to.info.shape.size(); ++i) {
        result->data[to.offset + to.info.place_of(i)] = number(small.data, from, i);
      }
    }
    for (const PlacedParameter& scale : parameter_table<Small>) {
      std::string name(scale.info.name.view());
      const std::size_t at = name.find("_scale");
      if (at == name.npos || name.erase(at, 6) != to.info.name.view()) continue;
      for (std::size_t i = 0; i < to.info.shape.size(); ++i) {
        result->data[to.offset + to.info.place_of(i)] *= small.data[scale.offset + i / each];
      }
    }
  }
  return result;
}

/// What small numbers stand for is the weights, but for half a step of 1/127 of the largest.
template <class Net>
void check_near(const Parameters<Net>& found, const Parameters<Net>& wanted) {
  for (const PlacedParameter& p : parameter_table<Net>) {
    float largest = 0, error = 0;
    for (std::size_t i = p.offset; i < p.offset + p.info.shape.size(); ++i) {
      largest = std::max(largest, std::abs(wanted.data[i]));
      error = std::max(error, std::abs(found.data[i] - wanted.data[i]));
    }
    CAPTURE(p.info.name.view());
    CHECK(error <= largest / 253);
  }
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
  const auto weights = expanded<Net>(*small);
  check_near(*weights, *parameters);
  const auto found = outputs_of<Small, batch>(*small, x);
  const auto wanted = outputs_of<Net, batch>(*weights, x);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i, found[i], wanted[i]);
    CHECK(std::abs(found[i] - wanted[i]) <= tolerance * (1 + std::abs(wanted[i])));
  }
}

/// int8 rounds activations, too, to steps of 1/16000 of the largest.
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
using Twice = Network<Input<4, 3>, LSTM<9, Bidirectional<>>, Linear<2>>;
using Tied = Network<Input<10>, Share<"tied", Linear<10>>, Tanh, Share<"tied", Linear<10>>>;
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
  check_both<Memory>();
  check_inference<Twice, int8>(numbers(4 * 3), 3e-4f);
}

TEST_CASE("layers that share small numbers", "[quantized]") { check_both<Tied>(); }

TEST_CASE("attention of small numbers", "[quantized]") {
  check_both<Sequence>();
}

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

/// Rounds inputs of products with int8 as badly as can be: they are all `x` but for one of `each`,
/// which is `largest` and meets weights of zero. Results of run(inputs) are wrong by no more than
/// all `terms` together may be.
template <class Run>
void check_rounding(std::size_t terms, std::size_t each, float largest, float x, const Run& run) {
  std::vector<float> inputs(terms, x);
  for (std::size_t i = 0; i < terms; i += each) inputs[i] = largest;
  const auto ones = static_cast<float>(terms - terms / each);
  for (const float y : run(inputs)) {
    CAPTURE(terms, x, y);
    CHECK(std::abs(y - ones * x) <= ones * largest / 32000);
  }
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

TEST_CASE("int8 rounds windows of a stream to 1/16000 of the largest", "[quantized]") {
  using Net = Network<Input<120, 15>, Conv1d<2, 15, Causal<>, Bias<false>>>;
  Parameters<Net> ones;
  for (std::size_t i = 0; i < 2 * 120 * 15; ++i) {
    ones["0.weight"_k][i] = i / 15 % 120 == 0 ? 0.f : 1.f;
  }
  const auto small = quantize<int8>(ones);
  const auto run = [&](const std::vector<float>& x) {
    const auto y = streamed<1>(small, x);
    return std::vector(y.end() - 2, y.end());
  };
  for (int i = 1; i < 20; ++i) check_rounding(1800, 120, 1, static_cast<float>(i) * 1.7e-5f, run);
}

TEST_CASE("a recurrence of small numbers gives the same bits as a stream", "[quantized]") {
  const auto small = quantize<int8>(*drawn<Memory>());
  const auto x = numbers(6);
  CHECK(streamed<1>(small, x) == outputs_of<Quantized<Memory, int8>, 1>(small, x));
}

TEST_CASE("convolutions of sequences of small numbers, at once and as a stream", "[quantized]") {
  check_both<Sound>();
  check_stream<Sound, bf16, 4>(2e-6f);
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
