// SPDX-License-Identifier: BSL-1.0
// Kernels that cannot be dealt out to the groups, whatever the input is.
// expect: the groups of Conv2d divide its output channels
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<3, 8, 8>, etch::Conv2d<5, 3, etch::Groups<3>>>;
#else
using Net = etch::Network<etch::Input<3, 8, 8>, etch::Conv2d<6, 3, etch::Groups<3>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
