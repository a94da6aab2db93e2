// SPDX-License-Identifier: BSL-1.0
// Experts whose outputs cannot be added.
// expect: this layer needs another input shape
// expect: AtLayer<1, MixtureOfExperts<Linear<4>, Sequential<Linear<16>, ReLU, Linear<5>>>>
// expect: Expected<Shape<4>>, Got<Shape<5>>
#include "etch/layers/activations.hpp"
#include "etch/layers/mixture.hpp"
#include "etch/network/network.hpp"

using namespace etch;

#ifdef MISTAKE
using Other = Sequential<Linear<16>, ReLU, Linear<5>>;
#else
using Other = Sequential<Linear<16>, ReLU, Linear<4>>;
#endif
using Net = Network<Input<6>, Linear<8>, MixtureOfExperts<Linear<4>, Other>>;
static_assert(sizeof(Net::valid) == 1);
