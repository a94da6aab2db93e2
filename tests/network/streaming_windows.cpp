// SPDX-License-Identifier: BSL-1.0
// Convolutions step by step: what they remember are windows.
#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/batch_norm.hpp"
#include "etch/layers/branches.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "stream_check.hpp"

namespace {

using namespace etch;
using stream_check::compare;

template <class Net, std::size_t n = 1, class Whole = Net> void equals_the_whole() {
  const auto d = compare<Net, n, Whole>();
  INFO(n << " steps a call, latency " << latency<Net>);
  CHECK(d.from_formula < 1e-6);
  CHECK(d.from_inference < 1e-6);
  CHECK(d.again);
}

template <std::size_t steps>
using Wavenet = Network<Input<2, steps>, Conv1d<4, 3, Causal<>>, Tanh,
                        Conv1d<5, 3, Dilation<4>, Causal<>>, BatchNorm1d<>, ReLU, Conv1d<1, 1>>;
using Valid = Network<Input<2, 40>, Conv1d<3, 3>, ReLU, Conv1d<2, 4, Dilation<3>>>;
using Same = Network<Input<3, 40>, Conv1d<4, 4, PaddingSame>, Sigmoid,
                     Conv1d<4, 5, PaddingSame, Groups<2>>, ELU<>,
                     Conv1d<4, 3, PaddingSame, Groups<4>>>;
/// The skip waits for the convolution; branches wait for the last of them.
using Skips = Network<Input<2, 30>, Residual<Conv1d<2, 3, Causal<>>, Tanh>,
                      Residual<Conv1d<4, 5, PaddingSame>, ReLU, Conv1d<2, 3, PaddingSame>>>;
using Branches = Network<Input<2, 30>,
                         Concat<0, Conv1d<1, 3, Causal<>>, Conv1d<2, 5, PaddingSame>,
                                Sequential<>, Conv1d<2, 2, PaddingSame>>,
                         Sigmoid, Conv1d<2, 2, Causal<>>>;
/// Time is an axis of an image; the other one is padded.
using Spectrum = Network<Input<1, 24, 5>, Conv2d<3, Size2d{3, 3}, Padding<Size2d{1, 1}>>, ReLU,
                         Conv2d<2, Size2d{2, 3}>>;

}  // namespace

TEST_CASE("causal convolutions step by step are those of the whole sequence") {
  equals_the_whole<Wavenet<40>>();
  equals_the_whole<Wavenet<40>, 5>();  // windows of 7 and 13 steps
}

TEST_CASE("a stream goes on beyond the length of its type, and its rings turn many times") {
  equals_the_whole<Wavenet<12>, 5, Wavenet<100>>();
}

TEST_CASE("convolutions that look ahead come late by just that") {
  static_assert(latency<Valid> == 2 + 9 && receptive_field<Valid> == 12);
  equals_the_whole<Valid, 8>();
  static_assert(latency<Same> == 2 + 2 + 1 && receptive_field<Same> == 10);
  equals_the_whole<Same, 5>();
}

TEST_CASE("branches wait for each other") {
  static_assert(latency<Skips> == 2 + 1 && receptive_field<Skips> == 3 + 4 + 2);
  equals_the_whole<Skips, 5>();
  static_assert(latency<Branches> == 2 && receptive_field<Branches> == 1 + 4 + 1);
  equals_the_whole<Branches, 3>();
}

TEST_CASE("images stream along the axis that all layers can follow") {
  static_assert(latency<Spectrum> == 1 + 1);
  equals_the_whole<Spectrum, 4>();
}

TEST_CASE("two streams on the same weights do not disturb each other") {
  using S = stream_check::Stream<Wavenet<12>, 5>;
  const auto& parameters = stream_check::drawn<Wavenet<12>>();
  const auto x = stream_check::random_rows<Wavenet<40>>(1, 5);
  const auto z = stream_check::random_rows<Wavenet<40>>(1, 6);
  S alone(parameters), other(parameters), first(parameters), second(parameters);
  const auto want_x = alone(x), want_z = other(z);
  stream_check::Rows<float> y, w;
  const auto append = [](auto& rows, const auto& more) {
    rows.insert(rows.end(), more.begin(), more.end());
  };
  for (auto a = x.begin(), b = z.begin(); a != x.end(); a += 5, b += 5) {
    append(y, first({a, a + 5}));
    append(w, second({b, b + 5}));
  }
  CHECK(stream_check::same_bits(y, want_x));
  CHECK(stream_check::same_bits(w, want_z));
  CHECK(!stream_check::same_bits(y, w));
}

TEST_CASE("a state that is copied and put back continues as before") {
  using S = stream_check::Stream<Wavenet<12>, 5>;
  const auto x = stream_check::random_rows<Wavenet<40>>(1, 5);
  const auto z = stream_check::random_rows<Wavenet<40>>(1, 6);
  S stream(stream_check::drawn<Wavenet<12>>());
  stream(x);
  const auto kept = *stream.state;
  const auto want = stream(z);
  CHECK(!stream_check::same_bits(stream(z), want));
  *stream.state = kept;
  CHECK(stream_check::same_bits(stream(z), want));
}

namespace {

template <class Net> inline constexpr std::size_t floats = State<Net>::floats;
template <class... Layers> using OnSequence = Network<Input<4, 12>, Layers...>;

}  // namespace

TEST_CASE("which networks stream, and what a state holds, is known to the compiler") {
  static_assert(streams<Wavenet<40>> && streams<Wavenet<40>, 40> && !streams<Wavenet<40>, 41>);
  static_assert(streams<Valid> && streams<Same> && streams<Skips> && streams<Spectrum>);
  static_assert(latency<Wavenet<40>> == 0 && receptive_field<Wavenet<40>> == 1 + 2 + 8);
  // Both copies of 3 steps of 2 channels, and of 9 steps of 4; a cache line is 16 floats.
  static_assert(floats<Wavenet<40>> == 16 + 80 && state_bytes<Wavenet<40>> == 4 * 96 + 64);
  static_assert(floats<OnSequence<Conv1d<3, 1>, Tanh>> == 0);

  static_assert(!streams<OnSequence<Conv1d<3, 3, Stride<2>>>>);
  static_assert(!streams<OnSequence<Conv1d<3, 3, Causal<>>, MaxPool1d<2>>>);
  static_assert(!streams<OnSequence<Conv1d<3, 3, Causal<>>, AvgPool1d<3, Stride<1>>>>);
  static_assert(!streams<OnSequence<Conv1d<4, 3, Causal<>>, GroupNorm<2>>>);
  static_assert(!streams<OnSequence<Conv1d<3, 3, Causal<>>, Flatten>>);
}
