// SPDX-License-Identifier: BSL-1.0
// A tap that the network does not have.
// expect: no output and no tap of this network has this name
// expect: OutputName<
#include <array>

#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/names.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr etch::FixedString name = "edge";
#else
constexpr etch::FixedString name = "edges";
#endif

using Net = etch::Network<etch::Input<4>, etch::Linear<3>, etch::Tap<"edges">, etch::Tanh>;

float use(const std::array<float, 6>& y) { return etch::output<Net, name>(y)[0]; }
