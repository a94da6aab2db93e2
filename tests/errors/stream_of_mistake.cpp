// SPDX-License-Identifier: BSL-1.0
// A network that is wrong in itself: its stream says nothing more.
// expect: this layer needs another input shape
// expect: Expected<LastAxisDivisibleBy<3>>, Got<Shape<6, 4>>
#include <array>

#include "etch/layers/attention.hpp"
#include "etch/network/network.hpp"
#include "etch/network/stream.hpp"

#ifdef MISTAKE
constexpr std::size_t heads = 3;
#else
constexpr std::size_t heads = 2;
#endif
using Attention = etch::MultiheadAttention<heads, etch::Causal<>>;

float use(const std::array<float, 4>& x) {
  etch::StreamingModel<etch::Network<etch::Input<6, 4>, Attention>> model;
  const std::array<float, 4> y = model(x);
  return y[0];
}
