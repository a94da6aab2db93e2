// SPDX-License-Identifier: BSL-1.0
// A padding that leaves whole windows without an element.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, AvgPool2d<Size2d{2, 3}, Padding<Size2d{1, 2}>>>
// expect: Expected<AtMost<1>>, Got<Number<2>>
#include "etch/layers/pool.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr etch::Size2d padding{1, 2};
#else
constexpr etch::Size2d padding{1, 1};
#endif
using Pool = etch::AvgPool2d<etch::Size2d{2, 3}, etch::Padding<padding>>;
using Net = etch::Network<etch::Input<3, 8, 8>, Pool>;
static_assert(sizeof(Net::valid) == 1);
