// SPDX-License-Identifier: BSL-1.0
// A part of something that is not the output of this network.
// expect: the output of this network has another size
// expect: Expected<Shape<6>>, Got<Shape<3>>
#include <array>

#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/names.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t size = 3;
#else
constexpr std::size_t size = 6;
#endif

using Net = etch::Network<etch::Input<4>, etch::Linear<3>, etch::Tap<"edges">, etch::Tanh>;

auto use(const std::array<float, size>& y) { return etch::output<Net, "edges">(y); }
