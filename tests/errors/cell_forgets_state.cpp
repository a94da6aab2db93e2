// SPDX-License-Identifier: BSL-1.0
// A cell that has a state and does not say what becomes of it.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Recurrent<Decay>>
// expect: Expected<CellWithResults<Shapes<Shape<3>, Shape<3>>>>, Got<Shapes<Shape<3>>>
#include "etch/layers/recurrent.hpp"
#include "etch/network/model.hpp"

struct Decay {
  template <class S> using states = etch::Shapes<S>;

  template <etch::Expr X, etch::Expr H> static constexpr auto formula(X x, H h) {
    const auto next = h + x;
#ifdef MISTAKE
    return next;
#else
    return etch::outputs(next, next);
#endif
  }
};

using Net = etch::Network<etch::Input<5, 3>, etch::Recurrent<Decay>>;
etch::Model<Net> model;
