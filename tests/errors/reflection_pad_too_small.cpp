// SPDX-License-Identifier: BSL-1.0
// A mirror image that is longer than what it mirrors.
// expect: this layer needs another input shape
// expect: AtLayer<0, ReflectionPad1d<Sides1d{1, 4}>>
// expect: Expected<AxisOfAtLeast<1, 5>>, Got<Shape<2, 4>>
#include "etch/layers/pad.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<2, 4>, etch::ReflectionPad1d<{1, 4}>>;
#else
using Net = etch::Network<etch::Input<2, 5>, etch::ReflectionPad1d<{1, 4}>>;
#endif
static_assert(sizeof(Net::valid) == 1);
