// SPDX-License-Identifier: BSL-1.0
// A cell whose state comes out larger than it went in.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Recurrent<Remember>>
// expect: Expected<CellWithResults<Shapes<Shape<3>, Shape<3>>>>, Got<Shapes<Shape<3>, Shape<6>>>
#include "etch/layers/recurrent.hpp"
#include "etch/network/model.hpp"

struct Remember {
  template <class S> using states = etch::Shapes<S>;

  template <etch::Expr X, etch::Expr H> static constexpr auto formula(X x, H h) {
#ifdef MISTAKE
    return etch::outputs(h, etch::concat<0>(x, h));
#else
    return etch::outputs(etch::concat<0>(x, h), x);
#endif
  }
};

using Net = etch::Network<etch::Input<5, 3>, etch::Recurrent<Remember>>;
etch::Model<Net> model;
