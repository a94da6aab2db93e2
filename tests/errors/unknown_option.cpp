// SPDX-License-Identifier: BSL-1.0
// An option that the layer does not have.
// expect: Conv2d takes the options Stride, Padding, Dilation, Groups and Bias<bool>
// expect: Epsilon<1.0
#include "etch/layers/conv.hpp"
#include "etch/layers/norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Conv = etch::Conv2d<4, 3, etch::Padding<1>, etch::Epsilon<1.0>>;
#else
using Conv = etch::Conv2d<4, 3, etch::Padding<1>>;
#endif
using Net = etch::Network<etch::Input<1, 8, 8>, Conv>;
static_assert(sizeof(Net::valid) == 1);
