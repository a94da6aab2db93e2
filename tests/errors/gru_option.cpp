// SPDX-License-Identifier: BSL-1.0
// An option that a GRU does not have: its activations are what makes it one.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<1, GRU<4, Bias<false>, Activation<ReLU>>>
// expect: option::Truncate, option::Bias, option::Dropout>>
// expect: Got<Activation<ReLU>>
#include "etch/layers/linear.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Gru = etch::GRU<4, etch::Bias<false>, etch::Activation<etch::ReLU>>;
#else
using Gru = etch::GRU<4, etch::Bias<false>>;
#endif
using Net = etch::Network<etch::Input<5, 3>, etch::Linear<2>, Gru>;
static_assert(sizeof(Net::valid) == 1);
