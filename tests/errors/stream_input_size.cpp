// SPDX-License-Identifier: BSL-1.0
// A step of one row for a stream that takes two a call.
// expect: the input has another size
// expect: Expected<Shape<6>>, Got<Shape<3>>
#include <array>

#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"
#include "etch/network/stream.hpp"

#ifdef MISTAKE
constexpr std::size_t size = 3;
#else
constexpr std::size_t size = 6;
#endif

float use(etch::StreamingModel<etch::Network<etch::Input<6, 3>, etch::GRU<4>>, 2>& model) {
  const std::array<float, size> x{};
  return model(x)[0];
}
