// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/layers/activations.hpp"
#include "etch/layers/batch_norm.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

/// One weight that the library stores as PyTorch does, one that it stores transposed, and buffers,
/// which it stores behind all of them.
using Small = etch::Network<etch::Input<1, 4, 4>, etch::Conv2d<2, 3>, etch::ReLU, etch::Flatten,
                            etch::Linear<3>, etch::BatchNorm1d<>>;
