// SPDX-License-Identifier: BSL-1.0
// The extent cannot stay the same with a stride.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Conv2d<4, Size2d{3, 3}, PaddingSame, Stride<Size2d{1, 2}>>>
// expect: Expected<Stride<Size2d{1, 1}>>, Got<Stride<Size2d{1, 2}>>
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Layer = etch::Conv2d<4, 3, etch::PaddingSame, etch::Stride<{1, 2}>>;
#else
using Layer = etch::Conv2d<4, 3, etch::PaddingSame, etch::Stride<1>>;
#endif
using Net = etch::Network<etch::Input<2, 8, 8>, Layer>;
static_assert(sizeof(Net::valid) == 1);
