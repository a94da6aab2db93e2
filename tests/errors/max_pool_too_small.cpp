// SPDX-License-Identifier: BSL-1.0
// One pooling too many.
// expect: this layer needs another input shape
// expect: AtLayer<2, MaxPool2d<Size2d{2, 2}>>, Expected<WindowFits<2, 2>>, Got<Shape<3, 1, 1>>
#include "etch/layers/pool.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net =
    etch::Network<etch::Input<3, 4, 4>, etch::MaxPool2d<2>, etch::MaxPool2d<2>, etch::MaxPool2d<2>>;
#else
using Net = etch::Network<etch::Input<3, 4, 4>, etch::MaxPool2d<2>, etch::MaxPool2d<2>>;
#endif
static_assert(sizeof(Net::valid) == 1);
