// SPDX-License-Identifier: BSL-1.0
// A graph of three nodes, and samples of four.
// expect: etch: this layer needs another input shape
// expect: Expected<NodesOf<9>>, Got<Shape<4, 2>>
#include <array>

#include "etch/etch.hpp"

constexpr std::array<float, 9> line = {0, 1, 0, 1, 0, 1, 0, 1, 0};

#ifdef MISTAKE
constexpr std::size_t nodes = 4;
#else
constexpr std::size_t nodes = 3;
#endif

etch::Model<etch::Network<etch::Input<nodes, 2>, etch::OnGraph<line, etch::GraphConv<3>>>> model;
