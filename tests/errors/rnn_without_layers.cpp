// SPDX-License-Identifier: BSL-1.0
// A recurrent layer made of no layers.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, RNN<4, NumLayers<0>>>, Expected<AtLeast<1>>, Got<NumLayers<0>>
#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Rnn = etch::RNN<4, etch::NumLayers<0>>;
#else
using Rnn = etch::RNN<4, etch::NumLayers<3>>;
#endif
using Net = etch::Network<etch::Input<5, 3>, Rnn>;
static_assert(sizeof(Net::valid) == 1);
