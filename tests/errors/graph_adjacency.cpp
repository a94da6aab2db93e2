// SPDX-License-Identifier: BSL-1.0
// An adjacency of another number of nodes, in a formula of the user's.
// expect: a layer called in this formula does not take what it is given
// expect: InFormula<GraphConv<16>>, Expected<Shape<6, 6>>, Got<Shape<5, 5>>
// expect: Molecule
#include "etch/layers/graph.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t nodes = 5;
#else
constexpr std::size_t nodes = 6;
#endif

struct Molecule {
  template <etch::Expr X> static constexpr auto formula(X x) {
    constexpr auto bonds = etch::parameter<"bonds", etch::Shape<nodes, nodes>, etch::Zeros>;
    return etch::call<"conv", etch::GraphConv<16>>(x, bonds);
  }
};

using Net = etch::Network<etch::Input<6, 2>, Molecule>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
