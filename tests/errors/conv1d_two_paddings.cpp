// SPDX-License-Identifier: BSL-1.0
// Two answers to the question where the zeros go.
// expect: this layer does not take what it is given between its angle brackets
// expect: Expected<OneOf<option::Padding, option::PaddingSame, option::Causal>>, Got<Number<2>>
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<2, 8>, etch::Conv1d<4, 3, etch::Causal<>, etch::PaddingSame>>;
#else
using Net = etch::Network<etch::Input<2, 8>, etch::Conv1d<4, 3, etch::Causal<>>>;
#endif
static_assert(sizeof(Net::valid) == 1);
