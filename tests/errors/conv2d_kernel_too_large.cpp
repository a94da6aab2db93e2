// SPDX-License-Identifier: BSL-1.0
// A kernel larger than the padded image: 7 wide on 4 + 2 * 1.
// expect: this layer needs another input shape
// expect: AtLayer<1, Conv2d<4, Size2d{3, 7}, Padding<Size2d{1, 1}>>>
// expect: Expected<WindowFits<1, 5>>, Got<Shape<2, 8, 4>>
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<2, 8, 4>, etch::ReLU,
                          etch::Conv2d<4, etch::Size2d{3, 7}, etch::Padding<1>>>;
#else
using Net = etch::Network<etch::Input<2, 8, 5>, etch::ReLU,
                          etch::Conv2d<4, etch::Size2d{3, 7}, etch::Padding<1>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
