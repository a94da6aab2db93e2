// SPDX-License-Identifier: BSL-1.0
// Channels that cannot be dealt out to the groups of a normalisation.
// expect: this layer needs another input shape
// expect: AtLayer<0, GroupNorm<3>>, Expected<ChannelsDivisibleBy<3>>, Got<Shape<4, 8, 8>>
#include "etch/layers/norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<4, 8, 8>, etch::GroupNorm<3>>;
#else
using Net = etch::Network<etch::Input<6, 8, 8>, etch::GroupNorm<3>>;
#endif
static_assert(sizeof(Net::valid) == 1);
