// SPDX-License-Identifier: BSL-1.0
// A transformer layer that would drop everything.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, TransformerEncoderLayer<2, 32, Dropout<1.0
// expect: Expected<ProbabilityBelowOne>
#include "etch/layers/transformer.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Drop = etch::Dropout<1.0>;
#else
using Drop = etch::Dropout<0.5>;
#endif
using Net = etch::Network<etch::Input<10, 16>, etch::TransformerEncoderLayer<2, 32, Drop>>;
static_assert(sizeof(Net::valid) == 1);
