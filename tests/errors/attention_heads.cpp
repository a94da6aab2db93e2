// SPDX-License-Identifier: BSL-1.0
// Heads that cannot share the numbers of a position evenly.
// expect: this layer needs another input shape
// expect: AtLayer<0, TransformerEncoderLayer<3, 32>>
// expect: Expected<LastAxisDivisibleBy<3>>, Got<Shape<10, 16>>
#include "etch/layers/transformer.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<10, 16>, etch::TransformerEncoderLayer<3, 32>>;
#else
using Net = etch::Network<etch::Input<10, 18>, etch::TransformerEncoderLayer<3, 32>>;
#endif
static_assert(sizeof(Net::valid) == 1);
