// SPDX-License-Identifier: BSL-1.0
// A model called with too little.
// expect: the input has another size
// expect: Expected<Shape<8>>, Got<Shape<7>>
#include <array>

#include "etch/layers/activations.hpp"
#include "etch/network/model.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t size = 7;
#else
constexpr std::size_t size = 8;
#endif

float use(etch::Model<etch::Network<etch::Input<2, 4>, etch::ReLU>>& model) {
  const std::array<float, size> x{};
  return model(x)[0];
}
