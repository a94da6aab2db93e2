// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <etch/data/dataset.hpp>
#include <etch/etch.hpp>

// What both programs of the demo agree on.

/// 8 x 8 grey pixels in, ten logits out.
using Digits = etch::Network<etch::Input<1, 8, 8>,                               //
                             etch::Conv2d<16, 3, etch::Padding<1>>, etch::ReLU,  //
                             etch::Conv2d<32, 3, etch::Padding<1>>, etch::ReLU,  //
                             etch::MaxPool2d<2>, etch::Flatten,                  //
                             etch::Linear<64>, etch::ReLU,                       //
                             etch::Linear<10>>;

inline constexpr etch::Fractions digits_fractions{.train = 0.7, .validation = 0.15, .test = 0.15};
