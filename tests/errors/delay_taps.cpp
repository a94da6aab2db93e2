// SPDX-License-Identifier: BSL-1.0
// A delay line without a past.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, DelayTaps<1>>, Expected<AtLeast<2>>, Got<Number<1>>
#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Taps = etch::DelayTaps<1>;
#else
using Taps = etch::DelayTaps<2>;
#endif
using Net = etch::Network<etch::Input<5, 3>, Taps>;
static_assert(sizeof(Net::valid) == 1);
