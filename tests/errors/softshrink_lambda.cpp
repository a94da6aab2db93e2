// SPDX-License-Identifier: BSL-1.0
// A negative lambda, which would push away from zero.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Softshrink<
// expect: Expected<NotBelow<
#include "etch/layers/piecewise.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<8>, etch::Softshrink<-0.5>>;
#else
using Net = etch::Network<etch::Input<8>, etch::Softshrink<0.5>>;
#endif
static_assert(sizeof(Net::valid) == 1);
