// SPDX-License-Identifier: BSL-1.0
// A recurrence over a vector, which has no steps.
// expect: this layer needs another input shape
// expect: AtLayer<0, LSTM<4>>, Expected<AnyShapeOfRank<2>>, Got<Shape<3>>
#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<3>, etch::LSTM<4>>;
#else
using Net = etch::Network<etch::Input<5, 3>, etch::LSTM<4>>;
#endif
static_assert(sizeof(Net::valid) == 1);
