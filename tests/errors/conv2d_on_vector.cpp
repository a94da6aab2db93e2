// SPDX-License-Identifier: BSL-1.0
// A convolution behind the layer that made a vector of the image.
// expect: this layer needs another input shape
// expect: AtLayer<1, Conv2d<4, Size2d{3, 3}>>, Expected<AnyShapeOfRank<3>>, Got<Shape<64>>
#include "etch/layers/conv.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<1, 8, 8>, etch::Flatten, etch::Conv2d<4, 3>>;
#else
using Net = etch::Network<etch::Input<1, 8, 8>, etch::Conv2d<4, 3>, etch::Flatten>;
#endif
static_assert(sizeof(Net::valid) == 1);
