// SPDX-License-Identifier: BSL-1.0
// Numbers of a position that do not come in pairs.
// expect: this layer needs another input shape
// expect: Expected<LastAxisDivisibleBy<2>>, Got<Shape<10, 7>>
#include "etch/layers/position.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<10, 7>, etch::RotaryEncoding<>>;
#else
using Net = etch::Network<etch::Input<10, 8>, etch::RotaryEncoding<>>;
#endif
static_assert(sizeof(Net::valid) == 1);
