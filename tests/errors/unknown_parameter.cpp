// SPDX-License-Identifier: BSL-1.0
// A parameter that does not exist, asked for by name.
// expect: no parameter has this name
// expect: ParameterName<FixedString<9>{"7.weight"}>
#include "etch/layers/linear.hpp"
#include "etch/network/parameters.hpp"
#include "etch/network/network.hpp"

using etch::literals::operator""_k;

float use(const etch::Parameters<etch::Network<etch::Input<4>, etch::Linear<3>>>& parameters) {
#ifdef MISTAKE
  return parameters["7.weight"_k][0];
#else
  return parameters["0.weight"_k][0];
#endif
}
