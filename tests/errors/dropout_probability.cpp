// SPDX-License-Identifier: BSL-1.0
// A dropout that would keep nothing.
// expect: this layer does not take what it is given between its angle brackets
// expect: Expected<ProbabilityBelowOne>
#include "etch/layers/dropout.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Drop = etch::Dropout<1.0>;
#else
using Drop = etch::Dropout<0.5>;
#endif

using Net = etch::Network<etch::Input<8>, Drop>;
static_assert(sizeof(Net::valid) == 1);
