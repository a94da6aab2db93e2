// SPDX-License-Identifier: BSL-1.0
// A residual whose layers do not keep the shape.
// expect: this layer needs another input shape
// expect: AtLayer<1, Residual<Linear<16>, ReLU, Linear<9>>>, Expected<Shape<8>>, Got<Shape<9>>
#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t width = 9;
#else
constexpr std::size_t width = 8;
#endif

constexpr auto net = etch::Input<3>{} | etch::Linear<8>{} |
                     residual(etch::Linear<16>{} | etch::ReLU{} | etch::Linear<width>{});
static_assert(sizeof(net.valid) == 1);
