// SPDX-License-Identifier: BSL-1.0
// More output padding than a stride of two leaves open.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, ConvTranspose1d<4, 3, Stride<Size2d{2, 2}>, OutputPadding<Size2d{2, 2}>>>
// expect: Expected<AtMost<1>>, Got<Number<2>>
#include "etch/layers/conv_transpose.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Layer = etch::ConvTranspose1d<4, 3, etch::Stride<2>, etch::OutputPadding<2>>;
#else
using Layer = etch::ConvTranspose1d<4, 3, etch::Stride<2>, etch::OutputPadding<1>>;
#endif
using Net = etch::Network<etch::Input<2, 8>, Layer>;
static_assert(sizeof(Net::valid) == 1);
