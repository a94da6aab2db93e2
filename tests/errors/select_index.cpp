// SPDX-License-Identifier: BSL-1.0
// A step before the first one of a sequence.
// expect: this layer needs another input shape
// expect: AtLayer<1, Select<0, -6>>, Expected<AxisOfAtLeast<0, 6>>, Got<Shape<5, 4>>
#include "etch/layers/activations.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<5, 4>, etch::Tanh, etch::Select<0, -6>>;
#else
using Net = etch::Network<etch::Input<5, 4>, etch::Tanh, etch::Select<0, -5>>;
#endif
static_assert(sizeof(Net::valid) == 1);
