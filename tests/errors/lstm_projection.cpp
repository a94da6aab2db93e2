// SPDX-License-Identifier: BSL-1.0
// An LSTM that is projected to as much as it has.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, LSTM<4, ProjSize<4>>>, Expected<AtMost<3>>, Got<ProjSize<4>>
#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Lstm = etch::LSTM<4, etch::ProjSize<4>>;
#else
using Lstm = etch::LSTM<4, etch::ProjSize<3>>;
#endif
using Net = etch::Network<etch::Input<5, 3>, Lstm>;
static_assert(sizeof(Net::valid) == 1);
