// SPDX-License-Identifier: BSL-1.0
// Two taps under one name.
// expect: one name stands for two taps, or for two tensors of different shapes
#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/names.hpp"
#include "etch/network/model.hpp"

#ifdef MISTAKE
using Second = etch::Tap<"edges">;
#else
using Second = etch::Tap<"corners">;
#endif

using Net = etch::Network<etch::Input<4>, etch::Linear<3>, etch::Tap<"edges">, etch::Tanh,
                          etch::Linear<3>, Second>;
etch::Model<Net> model;
