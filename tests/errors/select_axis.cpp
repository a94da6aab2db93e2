// SPDX-License-Identifier: BSL-1.0
// The last step of what has no steps.
// expect: this layer needs another input shape
// expect: AtLayer<0, Select<1, -1>>, Expected<RankOfAtLeast<2>>, Got<Shape<5>>
#include "etch/layers/linear.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<5>, etch::Select<1, -1>>;
#else
using Net = etch::Network<etch::Input<5, 3>, etch::Select<1, -1>>;
#endif
static_assert(sizeof(Net::valid) == 1);
