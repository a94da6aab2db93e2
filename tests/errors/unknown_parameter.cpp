// SPDX-License-Identifier: BSL-1.0
// A parameter that does not exist, asked for by name.
// expect: no parameter has this name
// expect: 7.weight
#include "etch/layers/linear.hpp"
#include "etch/network/model.hpp"
#include "etch/network/network.hpp"

using etch::literals::operator""_k;

float use(const etch::Model<etch::Network<etch::Input<4>, etch::Linear<3>>>& model) {
#ifdef MISTAKE
  return model["7.weight"_k][0];
#else
  return model["0.weight"_k][0];
#endif
}
