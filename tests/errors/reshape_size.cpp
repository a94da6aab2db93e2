// SPDX-License-Identifier: BSL-1.0
// A reshape to another number of elements.
// expect: this layer needs another input shape
// expect: AtLayer<0, Reshape<3, 8>>, Expected<Shape<3, 8>>, Got<Shape<5, 5>>
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<5, 5>, etch::Reshape<3, 8>>;
#else
using Net = etch::Network<etch::Input<4, 6>, etch::Reshape<3, 8>>;
#endif
static_assert(sizeof(Net::valid) == 1);
