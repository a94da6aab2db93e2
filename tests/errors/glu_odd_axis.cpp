// SPDX-License-Identifier: BSL-1.0
// A gate on an axis that cannot be cut in two halves.
// expect: this layer needs another input shape
// expect: AtLayer<1, GLU<0>>, Expected<EvenAxis<0>>, Got<Shape<5, 4>>
#include "etch/layers/activations.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<5, 4>, etch::Tanh, etch::GLU<0>>;
#else
using Net = etch::Network<etch::Input<5, 4>, etch::Tanh, etch::GLU<1>>;
#endif
static_assert(sizeof(Net::valid) == 1);
