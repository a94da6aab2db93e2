// SPDX-License-Identifier: BSL-1.0
// Channels that cannot be dealt out to the groups.
// expect: this layer needs another input shape
// expect: AtLayer<0, ConvTranspose2d<6, Size2d{3, 3}, Groups<3>>>
// expect: Expected<ChannelsDivisibleBy<3>>, Got<Shape<4, 8, 8>>
#include "etch/layers/conv_transpose.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<4, 8, 8>, etch::ConvTranspose2d<6, 3, etch::Groups<3>>>;
#else
using Net = etch::Network<etch::Input<3, 8, 8>, etch::ConvTranspose2d<6, 3, etch::Groups<3>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
