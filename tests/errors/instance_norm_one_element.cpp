// SPDX-License-Identifier: BSL-1.0
// Channels of a single element each: normalised by itself, it would always be zero.
// expect: this layer needs another input shape
// expect: AtLayer<0, InstanceNorm2d<>>, Expected<ElementsPerChannel<2>>, Got<Shape<4, 1, 1>>
#include "etch/layers/norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<4, 1, 1>, etch::InstanceNorm2d<>>;
#else
using Net = etch::Network<etch::Input<4, 1, 2>, etch::InstanceNorm2d<>>;
#endif
static_assert(sizeof(Net::valid) == 1);
