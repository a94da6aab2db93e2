// SPDX-License-Identifier: BSL-1.0
// Two layers that share weights of different shapes.
// expect: one name stands for two taps, or for two tensors of different shapes
#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/names.hpp"
#include "etch/network/model.hpp"

#ifdef MISTAKE
constexpr std::size_t width = 5;
#else
constexpr std::size_t width = 4;
#endif

using Net = etch::Network<etch::Input<4>, etch::Share<"leg", etch::Linear<width>>, etch::Tanh,
                          etch::Share<"leg", etch::Linear<width>>>;
etch::Model<Net> model;
