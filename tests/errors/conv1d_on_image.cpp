// SPDX-License-Identifier: BSL-1.0
// A convolution over one axis of an image, which has two.
// expect: this layer needs another input shape
// expect: AtLayer<0, Conv1d<4, 3>>, Expected<AnyShapeOfRank<2>>, Got<Shape<2, 8, 8>>
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<2, 8, 8>, etch::Conv1d<4, 3>>;
#else
using Net = etch::Network<etch::Input<2, 8>, etch::Conv1d<4, 3>>;
#endif
static_assert(sizeof(Net::valid) == 1);
