// SPDX-License-Identifier: BSL-1.0
// Kernels that cannot be dealt out to the groups, whatever the input is.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Conv2d<5, Size2d{3, 3}, Groups<3>>>
// expect: Expected<ChannelsDivisibleBy<3>>, Got<Channels<5>>
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<3, 8, 8>, etch::Conv2d<5, 3, etch::Groups<3>>>;
#else
using Net = etch::Network<etch::Input<3, 8, 8>, etch::Conv2d<6, 3, etch::Groups<3>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
