// SPDX-License-Identifier: BSL-1.0
// Two answers to the question where the zeros go.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Conv1d<4, 3, Causal<true>, PaddingSame>>
// expect: Expected<OneOf<option::Padding, option::PaddingSame, option::Causal>>, Got<Number<2>>
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
using Layer = etch::Conv1d<4, 3, etch::Causal<>, etch::PaddingSame>;
#else
using Layer = etch::Conv1d<4, 3, etch::Causal<>>;
#endif
using Net = etch::Network<etch::Input<2, 8>, Layer>;
static_assert(sizeof(Net::valid) == 1);
