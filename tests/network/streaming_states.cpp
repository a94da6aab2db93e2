// SPDX-License-Identifier: BSL-1.0
// Recurrences step by step: the same bits as the whole sequence, however many steps a call has.
#include <limits>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/branches.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/embedding.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pad.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/shape.hpp"
#include "stream_check.hpp"

namespace {

using namespace etch;
using stream_check::compare;

template <class Net, std::size_t n = 1, class Whole = Net> void has_the_same_bits() {
  const auto d = compare<Net, n, Whole>();
  INFO(n << " steps a call");
  CHECK(d.from_formula < 1e-6);
  CHECK(d.same_bits);
  CHECK(d.again);
}

template <std::size_t steps>
using Lstm = Network<Input<steps, 3>, Linear<5>, Tanh, LSTM<6>, LayerNorm<>, Linear<2>>;
using Stacked = Network<Input<12, 3>, GRU<5, NumLayers<2>>, LSTM<4, ProjSize<2>>, Sigmoid>;
using Taps = Network<Input<12, 2>, DelayTaps<4>, Linear<3>, Tanh>;
/// Time is not in front, and a window comes before the state and one behind it.
using Heard = Network<Input<2, 12>, Conv1d<4, 3, Causal<>>, ReLU, Permute<1, 0>, LSTM<3>,
                      Permute<1, 0>, Conv1d<2, 2, Causal<>>>;
/// The recurrence may not count steps that come before the first.
using Late = Network<Input<2, 24>, Conv1d<4, 5, PaddingSame>, Sigmoid, Permute<1, 0>, GRU<3>,
                     Permute<1, 0>, Conv1d<2, 3, PaddingSame>>;

}  // namespace

TEST_CASE("recurrences step by step give the bits of the whole sequence") {
  has_the_same_bits<Lstm<12>>();
  has_the_same_bits<Lstm<12>, 4>();
  has_the_same_bits<Stacked>();
  has_the_same_bits<Taps>();
  has_the_same_bits<Heard, 4>();
}

TEST_CASE("a recurrence goes on beyond the length of its type") {
  has_the_same_bits<Lstm<8>, 4, Lstm<100>>();
}

TEST_CASE("a recurrence behind a convolution that looks ahead starts when that does") {
  static_assert(latency<Late> == 2 + 1);
  for (const auto& d : {compare<Late>(), compare<Late, 4>()}) {
    CHECK(d.from_formula < 1e-6);
    CHECK(d.from_inference < 1e-6);
    CHECK(d.again);
  }
}

TEST_CASE("the blocks of a stream do not change its bits") {
  using stream_check::Stream;
  const auto x = stream_check::random_rows<Late>(1, 8);
  const auto y = Stream<Late, 1>(stream_check::drawn<Late>())(x);
  CHECK(stream_check::same_bits(y, Stream<Late, 4>(stream_check::drawn<Late>())(x)));
}

namespace {

struct WithoutLast {
  template <Expr X> static constexpr auto formula(X x) {
    return slice<0, 0, extent_of<0>(X{}) - 1>(x);
  }
};

template <class Net> double inference_error() {
  const auto x = oracle::random_floats(InputShape<Net>::size, 7);
  const auto model = std::make_unique<Model<Net>>(stream_check::drawn<Net>());
  const auto y = (*model)(std::span<const float, InputShape<Net>::size>(x));
  return oracle::deviation(y, oracle::outputs(stream_check::drawn<Net>(), x, 1));
}

}  // namespace

TEST_CASE("sequences that get longer or shorter behind their last step are inferred whole") {
  using Longer = Network<Input<2, 6>, ConstantPad1d<{0, 3}, 0.0>, Permute<1, 0>, LSTM<3>>;
  using Shorter = Network<Input<6, 2>, LSTM<3>, WithoutLast>;
  CHECK(inference_error<Longer>() < 1e-6);
  CHECK(inference_error<Shorter>() < 1e-6);
}

TEST_CASE("which recurrences stream, and what they remember") {
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  static_assert(streams<Lstm<12>> && latency<Lstm<12>> == 0 && receptive_field<Lstm<12>> == all);
  static_assert(receptive_field<Late> == all && receptive_field<Taps> == all);
  static_assert(State<Lstm<12>>::floats == 2 * 16, "h and c, each on a cache line of its own");
  static_assert(state_bytes<Lstm<12>, 4> == state_bytes<Lstm<12>>);
  static_assert(!streams<Network<Input<12, 3>, LSTM<4, Bidirectional<>>>>);
  static_assert(!streams<Network<Input<12, 3>, LSTM<4>, Flatten>>);
  static_assert(!streams<Network<Input<12, 3>, LSTM<4>, Select<0, -1>>>);
}
