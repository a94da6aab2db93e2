// SPDX-License-Identifier: BSL-1.0
// A softmax over an axis that the sample does not have: the batch is not counted.
// expect: this layer needs another input shape
// expect: AtLayer<0, Softmax<1>>, Expected<RankOfAtLeast<2>>, Got<Shape<8>>
#include "etch/layers/activations.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<8>, etch::Softmax<1>>;
#else
using Net = etch::Network<etch::Input<8>, etch::Softmax<0>>;
#endif
static_assert(sizeof(Net::valid) == 1);
