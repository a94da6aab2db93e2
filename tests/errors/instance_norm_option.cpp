// SPDX-License-Identifier: BSL-1.0
// An option of another normalisation.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, InstanceNorm1d<Groups<2>>>
// expect: Expected<OneOf<option::Epsilon, option::Affine>>, Got<Groups<2>>
#include "etch/layers/norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<4, 8>, etch::InstanceNorm1d<etch::Groups<2>>>;
#else
using Net = etch::Network<etch::Input<4, 8>, etch::InstanceNorm1d<etch::Epsilon<1e-3>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
