// SPDX-License-Identifier: BSL-1.0
// A stride for two axes where there is one.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Conv1d<4, 3, Stride<Size2d{2, 1}>>>
// expect: Expected<OneNumber>, Got<Stride<Size2d{2, 1}>>
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<2, 8>, etch::Conv1d<4, 3, etch::Stride<{2, 1}>>>;
#else
using Net = etch::Network<etch::Input<2, 8>, etch::Conv1d<4, 3, etch::Stride<2>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
