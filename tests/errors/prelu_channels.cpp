// SPDX-License-Identifier: BSL-1.0
// One slope for each channel, but another number of channels.
// expect: this layer needs another input shape
// expect: AtLayer<0, PReLU<3
// expect: Expected<Channels<3>>, Got<Shape<4, 8, 8>>
#include "etch/layers/piecewise.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<4, 8, 8>, etch::PReLU<3>>;
#else
using Net = etch::Network<etch::Input<4, 8, 8>, etch::PReLU<4>>;
#endif
static_assert(sizeof(Net::valid) == 1);
