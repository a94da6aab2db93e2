// SPDX-License-Identifier: BSL-1.0
#include "quantized_check.hpp"

#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "catch.hpp"
#include "etch/etch.hpp"

namespace {

using namespace etch;
using namespace etch::literals;
using namespace quantized;

using Memory = Network<Input<6, 1>, LSTM<19>, GRU<5>, Linear<3>>;
using Twice = Network<Input<4, 3>, LSTM<9, Bidirectional<>>, Linear<2>>;
using Sequence = Network<Input<5, 16>, TransformerEncoderLayer<4, 24>>;
/// One channel, odd ones, taps far apart, one output.
using Sound = Network<Input<1, 24>, Conv1d<5, 3, Causal<>>, Tanh,
                      Conv1d<16, 2, Causal<>, Dilation<4>>, ReLU, Conv1d<18, 1>, Tanh,
                      Conv1d<4, 3, Causal<>, Groups<2>>, Conv1d<1, 3, Causal<>>>;
using Larger = Network<Input<3, 5, 4>, ConvTranspose2d<6, 3, Stride<2>, Padding<1>>, Tanh,
                       ConvTranspose2d<2, 3, Groups<2>>>;
using Longer = Network<Input<5, 7>, ConvTranspose1d<4, 4, Stride<2>>, ReLU, ConvTranspose1d<3, 2>>;

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

TEST_CASE("recurrences of small numbers", "[quantized]") {
  check_both<Memory>();
  check_inference<Twice, int8>(numbers(4 * 3), 3e-4f);
}

TEST_CASE("attention of small numbers", "[quantized]") {
  check_both<Sequence>();
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

TEST_CASE("small numbers of sequences are nowhere kept as floats in between", "[quantized]") {
  static_assert(stream_workspace_bytes<Quantized<Sound, bf16>> <= stream_workspace_bytes<Sound>);
  static_assert(workspace_bytes<Quantized<Larger, bf16>> <= workspace_bytes<Larger>);
  SUCCEED();
}

}  // namespace
