// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

/// One weight that the library stores as PyTorch does, and one that it stores transposed.
using Small = etch::Network<etch::Input<1, 4, 4>, etch::Conv2d<2, 3>, etch::ReLU, etch::Flatten,
                            etch::Linear<3>>;
