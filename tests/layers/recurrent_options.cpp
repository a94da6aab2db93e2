// SPDX-License-Identifier: BSL-1.0
// Options of recurrent layers, where loops have to do something else for them.
#include "catch.hpp"
#include "recurrent_driver.hpp"

using namespace etch;
using layers::RecurrentCase;

namespace {

template <class S, class... L> RecurrentCase of(const std::string& name) {
  return layers::recurrent_case<S, layers::golden_batch>(name, Sequential<L...>{});
}
template <class L> RecurrentCase network(const std::string& name) {
  return of<Shape<5, 3>, Linear<3>, L, Linear<2>>("network_" + name);
}

}  // namespace

TEST_CASE("compiled recurrent layers with further options compute what PyTorch computes") {
  layers::check_recurrent(
      "recurrent",
      {
          network<LSTM<4, ProjSize<2>, Bidirectional<>>>("lstm_projected"),
          network<LSTM<4, Truncate<2>, NumLayers<2>, ProjSize<2>>>("lstm_truncated"),
          network<GRU<4, Truncate<2>, Bidirectional<>>>("gru_truncated"),
          network<DelayTaps<3>>("delay_taps"),
          of<Shape<1, 3>, GRU<4>>("gru_one_step"),
      });
}
