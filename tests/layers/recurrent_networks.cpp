// SPDX-License-Identifier: BSL-1.0
// Recurrent layers as blocks of a network: a loop over steps. golden_recurrent.cpp has the same
// cases written out.
#include "catch.hpp"
#include "recurrent_driver.hpp"

using namespace etch;
using layers::RecurrentCase;

namespace {

template <class L, std::size_t... batch> RecurrentCase of(const std::string& name) {
  return layers::recurrent_case<Shape<5, 3>, batch...>(name, Sequential<L>{});
}
template <class L, std::size_t... batch> RecurrentCase network(const std::string& name) {
  using Layers = Sequential<Linear<3>, L, Linear<2>>;
  return layers::recurrent_case<Shape<5, 3>, batch...>("network_" + name, Layers{});
}

}  // namespace

TEST_CASE("compiled recurrent layers compute what PyTorch computes") {
  layers::check_recurrent(
      "recurrent",
      {
          of<LSTM<4>, 3>("lstm"),
          network<LSTM<4>, 1, 3>("lstm"),
          network<RNN<4, Activation<ReLU>, Bias<false>>, 3>("rnn"),
          network<GRU<4, NumLayers<2>, Bidirectional<>>, 1, 3>("gru"),
          network<Jordan<4, 2, Activation<Sigmoid>, OutputActivation<Tanh>>, 3>("jordan"),
      });
}
