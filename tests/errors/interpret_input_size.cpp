// SPDX-License-Identifier: BSL-1.0
// A network that is given too little in the compiler.
// expect: the input has another size
// expect: Expected<Shape<8>>, Got<Shape<7>>
#include <array>

#include "etch/layers/activations.hpp"
#include "etch/network/interpreted.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t size = 7;
#else
constexpr std::size_t size = 8;
#endif

using Net = etch::Network<etch::Input<2, 4>, etch::ReLU>;
static_assert(etch::interpret(etch::Parameters<Net>{}, std::array<float, size>{})[0] == 0);
