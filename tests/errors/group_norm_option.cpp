// SPDX-License-Identifier: BSL-1.0
// An option that a normalisation does not have.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, GroupNorm<2, Affine<true>, Bias<false>>>
// expect: Expected<OneOf<option::Epsilon, option::Affine>>, Got<Bias<false>>
#include "etch/layers/norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Norm = etch::GroupNorm<2, etch::Affine<true>, etch::Bias<false>>;
#else
using Norm = etch::GroupNorm<2, etch::Affine<true>>;
#endif
using Net = etch::Network<etch::Input<4, 8, 8>, Norm>;
static_assert(sizeof(Net::valid) == 1);
