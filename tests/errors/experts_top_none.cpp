// SPDX-License-Identifier: BSL-1.0
// A mixture in which no expert counts.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, MixtureOfExperts<Linear<4>, Linear<4>, TopK<0>>>
// expect: Expected<AtLeast<1>>, Got<TopK<0>>
#include "etch/layers/mixture.hpp"
#include "etch/network/network.hpp"

using namespace etch;

#ifdef MISTAKE
using Top = TopK<0>;
#else
using Top = TopK<1>;
#endif
using Net = Network<Input<6>, MixtureOfExperts<Linear<4>, Linear<4>, Top>>;
static_assert(sizeof(Net::valid) == 1);
