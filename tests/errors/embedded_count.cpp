// SPDX-License-Identifier: BSL-1.0
// Weights of which some got lost.
// expect: these weights are damaged: their number does not fit their shapes
// expect: Expected<WeightCount<2>>
// expect: Got<WeightCount<1>>
#include <array>

#include "etch/io/embedded.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/network.hpp"

struct Damaged {
  static constexpr std::array<etch::EmbeddedTensor, 2> tensors{{
      {"0.weight", {2, {1, 1}}},
      {"0.bias", {1, {1}}},
  }};
#ifdef MISTAKE
  static constexpr float data[]{1};
#else
  static constexpr float data[]{1, 2};
#endif
};

using Net = etch::Network<etch::Input<1>, etch::Linear<1>>;
constexpr auto parameters = etch::embedded_parameters<Net>(Damaged{});
