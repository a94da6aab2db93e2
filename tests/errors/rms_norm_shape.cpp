// SPDX-License-Identifier: BSL-1.0
// A normalisation over more axes than there are.
// expect: this layer needs another input shape
// expect: AtLayer<0, RMSNorm<Shape<4, 8>>>, Expected<Shape<4, 8>>, Got<Shape<8>>
#include "etch/layers/norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<8>, etch::RMSNorm<etch::Shape<4, 8>>>;
#else
using Net = etch::Network<etch::Input<4, 8>, etch::RMSNorm<etch::Shape<4, 8>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
