// SPDX-License-Identifier: BSL-1.0
// A model of three inputs called with two.
// expect: the inputs have other sizes
// expect: Expected<Shapes<Shape<4>, Shape<4>, Shape<4>>>, Got<Shapes<Shape<4>, Shape<4>>>
#include <array>

#include "etch/layers/several.hpp"
#include "etch/network/model.hpp"

using In = etch::Inputs<etch::Shape<4>, etch::Shape<4>, etch::Shape<4>>;

float use(etch::Model<etch::Network<In, etch::Add>>& model) {
  const std::array<float, 4> x{};
#ifdef MISTAKE
  return model(x, x)[0];
#else
  return model(x, x, x)[0];
#endif
}
