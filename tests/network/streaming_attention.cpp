// SPDX-License-Identifier: BSL-1.0
// Causal attention step by step: keys and values of the steps before are kept.
#include <cmath>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/attention.hpp"
#include "etch/layers/branches.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/embedding.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/position.hpp"
#include "etch/layers/shape.hpp"
#include "etch/layers/transformer.hpp"
#include "stream_check.hpp"

namespace {

using namespace etch;
using stream_check::compare;

template <class Net, std::size_t n = 1> void equals_the_whole() {
  const auto d = compare<Net, n>();
  INFO(n << " steps a call, latency " << latency<Net>);
  CHECK(d.from_formula < 2e-6);
  CHECK(d.from_inference < 2e-6);
  CHECK(d.again);
}

using Decoder = Network<Input<12, 4>, PositionalEncoding, TransformerEncoderLayer<2, 8, Causal<>>,
                        TransformerEncoderLayer<2, 8, Causal<>>, Linear<3>>;
using Words = Network<Input<12>, Embedding<9, 4>, SinusoidalEncoding<>,
                      Residual<RotaryEncoding<>, MultiheadAttention<1, Causal<>, Bias<false>>>,
                      RMSNorm<>, Linear<9>, LogSoftmax<>>;
/// Nobody may look at what the convolution gave before its first step had come.
using Late = Network<Input<3, 12>, Conv1d<4, 3, PaddingSame>, Permute<1, 0>,
                     MultiheadAttention<2, Causal<>>, MultiheadAttention<1, Causal<>>>;

}  // namespace

TEST_CASE("a decoder step by step is that of the whole sequence") {
  equals_the_whole<Decoder>();
  equals_the_whole<Decoder, 4>();
}

TEST_CASE("words know their place step by step") {
  equals_the_whole<Words>();
}

TEST_CASE("attention behind a convolution that looks ahead") {
  static_assert(latency<Late> == 1);
  equals_the_whole<Late, 4>();
}

TEST_CASE("attention that goes on beyond the length of its type keeps the last steps") {
  const auto early = [](const stream_check::Rows<float>& x) {
    return stream_check::Stream<Decoder, 1>(stream_check::drawn<Decoder>())(x);
  };
  stream_check::Rows<float> x;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto more = stream_check::random_rows<Decoder>(0, seed);
    x.insert(x.end(), more.begin(), more.end());
  }
  const auto y = early(x);
  REQUIRE(y.size() == 60);
  for (const auto& row : y) {
    for (const float v : row) CHECK(std::isfinite(v));
  }
  // Two layers reach 22 steps back; the position has come to its end before.
  static_assert(receptive_field<Decoder> == 23);
  for (std::size_t t = 0; t < 60 - 23; ++t) x[t][0] += 1;
  const auto z = early(x);
  CHECK(z.back() == y.back());
  CHECK(z[60 - 2] != y[60 - 2]);
}

TEST_CASE("which attention streams") {
  static_assert(streams<Decoder> && streams<Decoder, 12> && !streams<Decoder, 13>);
  static_assert(streams<Words> && receptive_field<Words> == 12);
  static_assert(receptive_field<Late> == 1 + 1 + 11 + 11 + 1);
  static_assert(State<Words>::floats == 2 * 2 * 12 * 4, "keys and values, each twice");
  static_assert(!streams<Network<Input<12, 4>, MultiheadAttention<2>>>);
  static_assert(!streams<Network<Input<12, 4>, TransformerEncoderLayer<2, 8>>>);
  static_assert(!streams<Network<Input<12, 4>, MultiheadAttention<2, Causal<>>, Flatten>>);
}
