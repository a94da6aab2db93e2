// SPDX-License-Identifier: BSL-1.0
// A dispatched batch called with one sample.
// expect: the input has another size
// expect: Expected<Shape<16>>, Got<Shape<8>>
#include <array>

#include "etch/layers/activations.hpp"
#include "etch/network/dispatched_model.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t size = 8;
#else
constexpr std::size_t size = 16;
#endif

float use(etch::DispatchedModel<etch::Network<etch::Input<2, 4>, etch::ReLU>, 2>& model) {
  const std::array<float, size> x{};
  return model(x)[0];
}
