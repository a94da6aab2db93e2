// SPDX-License-Identifier: BSL-1.0
// An alpha that is divided by and may not be zero.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, CELU<
// expect: Expected<GreaterThan<
#include "etch/layers/activations.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<8>, etch::CELU<0.0>>;
#else
using Net = etch::Network<etch::Input<8>, etch::CELU<0.1>>;
#endif
static_assert(sizeof(Net::valid) == 1);
