// SPDX-License-Identifier: BSL-1.0
// Corners to be aligned of pixels that are only repeated.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Upsample<Size2d{2, 2}, AlignCorners<true>>>
// expect: Expected<Mode<Interpolation::bilinear>>, Got<Mode<Interpolation::nearest>>
#include "etch/layers/resize.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Layer = etch::Upsample<2, etch::AlignCorners<true>>;
#else
using Bilinear = etch::Mode<etch::Interpolation::bilinear>;
using Layer = etch::Upsample<2, Bilinear, etch::AlignCorners<true>>;
#endif
using Net = etch::Network<etch::Input<2, 8, 8>, Layer>;
static_assert(sizeof(Net::valid) == 1);
