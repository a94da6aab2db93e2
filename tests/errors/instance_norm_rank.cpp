// SPDX-License-Identifier: BSL-1.0
// A normalisation of images given a sequence.
// expect: this layer needs another input shape
// expect: AtLayer<0, InstanceNorm2d<>>, Expected<AnyShapeOfRank<3>>, Got<Shape<4, 8>>
#include "etch/layers/norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<4, 8>, etch::InstanceNorm2d<>>;
#else
using Net = etch::Network<etch::Input<4, 8>, etch::InstanceNorm1d<>>;
#endif
static_assert(sizeof(Net::valid) == 1);
