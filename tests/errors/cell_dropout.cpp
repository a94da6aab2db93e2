// SPDX-License-Identifier: BSL-1.0
// Dropout inside of a cell: it would need numbers of its own at each step.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, Recurrent<Leaky>>, Expected<CellWithoutPhases>, Got<Leaky>
#include "etch/layers/dropout.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/network/model.hpp"

struct Leaky {
  template <class S> using states = etch::Shapes<S>;

  template <etch::Expr X, etch::Expr H> static constexpr auto formula(X x, H h) {
#ifdef MISTAKE
    const auto next = h + etch::call<"dropout", etch::Dropout<0.5>>(x);
#else
    const auto next = h + x;
#endif
    return etch::outputs(next, next);
  }
};

using Net = etch::Network<etch::Input<5, 3>, etch::Recurrent<Leaky>>;
etch::Model<Net> model;
