// SPDX-License-Identifier: BSL-1.0
// A model that is to run by steps, but whose last layer waits for all of them.
// expect: some layer of this network needs all of its sequence at once
#include <array>

#include "etch/layers/linear.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"
#include "etch/network/stream.hpp"

#ifdef MISTAKE
using Last = etch::Flatten;
#else
using Last = etch::Linear<2>;
#endif

float use(const std::array<float, 3>& x) {
  etch::StreamingModel<etch::Network<etch::Input<6, 3>, etch::GRU<4>, Last>> model;
  model.reset();
  const std::array<float, 2> y = model(x);
  return y[0];
}
