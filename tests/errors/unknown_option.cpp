// SPDX-License-Identifier: BSL-1.0
// An option that the layer does not have.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<1, Conv2d<4, Size2d{3, 3}, Padding<Size2d{1, 1}>, Affine<false>>>
// expect: Expected<OneOf<option::Stride, option::Padding, option::Dilation, option::Groups,
// expect: option::Bias, option::PaddingSame>>, Got<Affine<false>>
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Conv = etch::Conv2d<4, 3, etch::Padding<1>, etch::Affine<false>>;
#else
using Conv = etch::Conv2d<4, 3, etch::Padding<1>>;
#endif
using Net = etch::Network<etch::Input<1, 8, 8>, etch::ReLU, Conv>;
static_assert(sizeof(Net::valid) == 1);
