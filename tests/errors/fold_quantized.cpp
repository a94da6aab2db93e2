// SPDX-License-Identifier: BSL-1.0
// Batch norms that are to become part of weights that are integers.
// expect: quantised weights are made from floats, by quantize(parameters)
#include "etch/layers/batch_norm.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/quantize.hpp"
#include "etch/network/fold.hpp"

using Net = etch::Network<etch::Input<4>, etch::Linear<3>, etch::BatchNorm1d<>>;
#ifdef MISTAKE
using Folded = etch::Quantized<Net, etch::int8>;
#else
using Folded = Net;
#endif

void fold(const etch::Parameters<Folded>& parameters) { etch::fold(parameters); }
