// SPDX-License-Identifier: BSL-1.0
// Values that differ in more than the axis along which they are joined.
// expect: this layer needs another input shape
// expect: AtLayer<0, Join<0>>, Expected<Shape<2, 3>>, Got<Shape<5, 4>>
#include "etch/layers/several.hpp"
#include "etch/network/model.hpp"

#ifdef MISTAKE
constexpr std::size_t width = 4;
#else
constexpr std::size_t width = 3;
#endif

using In = etch::Inputs<etch::Shape<2, 3>, etch::Shape<5, width>>;
etch::Model<etch::Network<In, etch::Join<0>>> model;
