// SPDX-License-Identifier: BSL-1.0
// Images given to the normalisation of vectors.
// expect: this layer needs another input shape
// expect: AtLayer<0, BatchNorm1d<>>, Expected<RankOneOrTwo>, Got<Shape<3, 8, 8>>
#include "etch/layers/batch_norm.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Norm = etch::BatchNorm1d<>;
#else
using Norm = etch::BatchNorm2d<>;
#endif

using Net = etch::Network<etch::Input<3, 8, 8>, Norm>;
static_assert(sizeof(Net::valid) == 1);
