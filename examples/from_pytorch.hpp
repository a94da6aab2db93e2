// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <etch/layers/activations.hpp>
#include <etch/layers/batch_norm.hpp>
#include <etch/layers/linear.hpp>
#include <etch/network/fold.hpp>
#include <etch/network/network.hpp>

/// What from_pytorch.py trains.
using Classifier = etch::Network<etch::Input<64>,                                    //
                                 etch::Linear<32>, etch::BatchNorm1d<>, etch::ReLU,  // body
                                 etch::Linear<10>>;                                  // head

/// The same where it only runs: the batch norm is part of the layer before.
using EmbeddedClassifier = etch::Folded<Classifier>;
