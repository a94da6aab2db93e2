// SPDX-License-Identifier: BSL-1.0
// A permutation that names an axis twice.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Permute<1, 0, 1>>, Expected<EachAxisOnce<3>>, Got<Permute<1, 0, 1>>
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<2, 3, 4>, etch::Permute<1, 0, 1>>;
#else
using Net = etch::Network<etch::Input<2, 3, 4>, etch::Permute<1, 0, 2>>;
#endif
static_assert(sizeof(Net::valid) == 1);
