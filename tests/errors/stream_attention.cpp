// SPDX-License-Identifier: BSL-1.0
// The state of a network whose attention looks at later steps.
// expect: some layer of this network needs all of its sequence at once
#include "etch/layers/attention.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"
#include "etch/network/stream.hpp"

#ifdef MISTAKE
using Attention = etch::MultiheadAttention<2>;
#else
using Attention = etch::MultiheadAttention<2, etch::Causal<>>;
#endif
using Net = etch::Network<etch::Input<6, 4>, etch::LSTM<4>, Attention>;

void use(const etch::Parameters<Net>& parameters, etch::StreamWorkspace<Net>& workspace) {
  etch::State<Net> state;
  const float x[4] = {};
  float y[4];
  etch::step<Net, 1>(parameters, state, workspace, x, y);
  state.reset();
}
