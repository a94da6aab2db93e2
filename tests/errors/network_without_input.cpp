// SPDX-License-Identifier: BSL-1.0
// A network that does not say what comes in.
// expect: a network starts with Input<...>, the shape of one sample
// expect: AtLayer<0, Linear<4>>, Expected<Input<>>, Got<Linear<4>>
#include "etch/layers/linear.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Linear<4>, etch::Linear<2>>;
#else
using Net = etch::Network<etch::Input<8>, etch::Linear<4>, etch::Linear<2>>;
#endif
static_assert(sizeof(etch::InputShape<Net>) == 1);
