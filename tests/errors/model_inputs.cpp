// SPDX-License-Identifier: BSL-1.0
// A model of two inputs called with one of another size.
// expect: the inputs have other sizes
// expect: Expected<Shapes<Shape<4>, Shape<2, 3>>>, Got<Shapes<Shape<4>, Shape<5>>>
#include <array>

#include "etch/layers/linear.hpp"
#include "etch/layers/several.hpp"
#include "etch/network/model.hpp"

#ifdef MISTAKE
constexpr std::size_t size = 5;
#else
constexpr std::size_t size = 6;
#endif

using In = etch::Inputs<etch::Shape<4>, etch::Shape<2, 3>>;
using Net = etch::Network<In, etch::Parallel<etch::Linear<3>, etch::Linear<3>>,
                          etch::OnFirst<etch::Linear<3>>>;

float use(etch::Model<Net>& model) {
  const std::array<float, 4> a{};
  const std::array<float, size> b{};
  return model(a, b)[0];
}
