// SPDX-License-Identifier: BSL-1.0
// A kernel longer than the padded sequence: 7 on 4 + 2 * 1.
// expect: this layer needs another input shape
// expect: AtLayer<0, Conv1d<4, 7, Padding<Size2d{1, 1}>>>
// expect: Expected<WindowFits<1, 5>>, Got<Shape<2, 4>>
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<2, 4>, etch::Conv1d<4, 7, etch::Padding<1>>>;
#else
using Net = etch::Network<etch::Input<2, 5>, etch::Conv1d<4, 7, etch::Padding<1>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
