// SPDX-License-Identifier: BSL-1.0
// A layer of two inputs where a network has one.
// expect: this layer needs another input shape
// expect: AtLayer<0, TransformerDecoderLayer<2, 32>>, Expected<TwoInputs>, Got<Shape<10, 16>>
#include "etch/layers/transformer.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Layer = etch::TransformerDecoderLayer<2, 32>;
#else
using Layer = etch::TransformerEncoderLayer<2, 32>;
#endif
using Net = etch::Network<etch::Input<10, 16>, Layer>;
static_assert(sizeof(Net::valid) == 1);
