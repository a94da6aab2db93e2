// SPDX-License-Identifier: BSL-1.0
// Branches whose results differ in more than the axis along which they are joined.
// expect: this layer needs another input shape
// expect: AtLayer<0, Concat<0, Conv2d<4, Size2d{3, 3}>, Conv2d<4, Size2d{5, 5}>>>, Expected<Shape<4, 6, 6>>, Got<Shape<4, 4, 4>>
#include "etch/layers/branches.hpp"
#include "etch/layers/conv.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t kernel = 5;
#else
constexpr std::size_t kernel = 3;
#endif

constexpr auto net =
    etch::Input<1, 8, 8>{} | concat(etch::Conv2d<4, 3>{}, etch::Conv2d<4, kernel>{});
static_assert(sizeof(net.valid) == 1);
