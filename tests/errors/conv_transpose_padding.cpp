// SPDX-License-Identifier: BSL-1.0
// A padding that takes the whole result away: 3 - 2 * 2.
// expect: this layer needs another input shape
// expect: AtLayer<0, ConvTranspose2d<4, Size2d{1, 1}, Padding<Size2d{2, 0}>>>
// expect: Expected<AxisOfAtLeast<1, 5>>, Got<Shape<2, 3, 8>>
#include "etch/layers/conv_transpose.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<2, 3, 8>, etch::ConvTranspose2d<4, 1, etch::Padding<{2, 0}>>>;
#else
using Net = etch::Network<etch::Input<2, 5, 8>, etch::ConvTranspose2d<4, 1, etch::Padding<{2, 0}>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
