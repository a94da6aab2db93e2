// SPDX-License-Identifier: BSL-1.0
// A largest value that is not above the smallest. (Compilers spell the numbers differently.)
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Hardtanh<
// expect: Expected<GreaterThan<
#include "etch/layers/piecewise.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<8>, etch::Hardtanh<1.0, -1.0>>;
#else
using Net = etch::Network<etch::Input<8>, etch::Hardtanh<-1.0, 1.0>>;
#endif
static_assert(sizeof(Net::valid) == 1);
