// SPDX-License-Identifier: BSL-1.0
// What recurrent layers mean: written out step by step, by the interpreter.
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_formula_case;
using layers::GoldenCase;

namespace {

using Steps = Shape<5, 3>;
template <class... Layers> GoldenCase of(const std::string& name) {
  return golden_formula_case<Steps, Layers...>(name);
}

/// The options that RNN, GRU and LSTM share.
template <template <std::size_t, class...> class L>
void add_all(std::vector<GoldenCase>& cases, const std::string& name) {
  cases.push_back(of<L<4>>(name));
  cases.push_back(of<L<4, Bias<false>>>(name + "_no_bias"));
  cases.push_back(of<L<4, NumLayers<2>>>(name + "_2_layers"));
  cases.push_back(of<L<4, Bidirectional<>>>(name + "_bidirectional"));
  cases.push_back(of<L<4, NumLayers<2>, Bidirectional<>>>(name + "_both"));
  cases.push_back(golden_formula_case<Shape<1, 3>, L<4>>(name + "_one_step"));
}

/// Between two other layers, as recurrent_networks.cpp has them compiled.
template <class L> GoldenCase network(const std::string& name) {
  return of<Linear<3>, L, Linear<2>>("network_" + name);
}

}  // namespace

TEST_CASE("recurrent layers compute what PyTorch computes") {
  std::vector<GoldenCase> cases = {
      of<RNN<4, Activation<ReLU>>>("rnn_relu"),
      of<RNN<4, Activation<ReLU>, Bias<false>, NumLayers<2>, Bidirectional<>>>("rnn_relu_all"),
      of<LSTM<4, ProjSize<2>>>("lstm_projected"),
      of<LSTM<4, ProjSize<2>, Bias<false>, NumLayers<2>, Bidirectional<>>>("lstm_projected_all"),
      of<Jordan<4, 2>>("jordan"),
      of<Jordan<4, 2, Bias<false>>>("jordan_no_bias"),
      of<Jordan<4, 2, Activation<Sigmoid>, OutputActivation<Tanh>>>("jordan_activations"),
      of<DelayTaps<3>>("delay_taps"),
      golden_formula_case<Shape<2, 3>, DelayTaps<4>>("delay_taps_longer_than_the_sequence"),
      golden_formula_case<Shape<4, 3, 2>, DelayTaps<2>>("delay_taps_of_matrices"),
      of<LSTM<4, Truncate<2>>>("lstm_truncated"),
      of<LSTM<4, Truncate<2>, NumLayers<2>, ProjSize<2>>>("lstm_truncated_projected"),
      of<GRU<4, Truncate<2>, Bidirectional<>>>("gru_truncated"),
      of<Jordan<4, 2, Truncate<2>>>("jordan_truncated"),
      golden_case<Shape<5, 4>, Residual<LSTM<4>>>("residual_lstm"),
      golden_case<Steps, Sequential<GRU<3>, Linear<2>>>("nested_gru"),
      network<RNN<4, Activation<ReLU>, Bias<false>>>("rnn"),
      network<GRU<4, NumLayers<2>, Bidirectional<>>>("gru"),
      network<LSTM<4>>("lstm"),
      network<LSTM<4, ProjSize<2>, Bidirectional<>>>("lstm_projected"),
      network<LSTM<4, Truncate<2>, NumLayers<2>, ProjSize<2>>>("lstm_truncated"),
      network<GRU<4, Truncate<2>, Bidirectional<>>>("gru_truncated"),
      network<Jordan<4, 2, Activation<Sigmoid>, OutputActivation<Tanh>>>("jordan"),
      network<DelayTaps<3>>("delay_taps"),
  };
  add_all<RNN>(cases, "rnn");
  add_all<GRU>(cases, "gru");
  add_all<LSTM>(cases, "lstm");
  layers::check_golden("recurrent", cases);
}
