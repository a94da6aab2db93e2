// SPDX-License-Identifier: BSL-1.0
// Two inputs with another number of rows, in a formula of the user's.
// expect: a layer called in this formula does not take what it is given
// expect: InFormula<Bilinear<4>>, Expected<Shape<6, 3>>, Got<Shape<5, 3>>
// expect: Pairs
#include "etch/layers/bilinear.hpp"
#include "etch/network/network.hpp"

#ifdef MISTAKE
constexpr std::size_t rows = 5;
#else
constexpr std::size_t rows = 6;
#endif

struct Pairs {
  template <etch::Expr X> static constexpr auto formula(X x) {
    constexpr auto w = etch::parameter<"other", etch::Shape<rows, 3>, etch::Normal<>>;
    return etch::call<"pairs", etch::Bilinear<4>>(x, w);
  }
};

using Net = etch::Network<etch::Input<6, 2>, Pairs>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
