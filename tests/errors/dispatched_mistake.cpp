// SPDX-License-Identifier: BSL-1.0
// A network that is wrong in itself: its dispatched models say nothing more.
// expect: this layer needs another input shape
// expect: Expected<Shape<8>>, Got<Shape<4>>
#include <array>

#include "etch/layers/linear.hpp"
#include "etch/network/dispatched_model.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t features = 8;
#else
constexpr std::size_t features = 4;
#endif
using Layer = etch::Linear<2, etch::InFeatures<features>>;

float use(const std::array<float, 4>& x) {
  etch::DispatchedModel<etch::Network<etch::Input<4>, Layer>> model;
  const char* const target = model.target();
  return model(x)[0] + static_cast<float>(target[0]);
}
