// SPDX-License-Identifier: BSL-1.0
// A cell inside of a formula that does not say what becomes of its state.
// expect: a cell returns outputs(y, states...), each state as it was
#include "etch/expr/functions.hpp"
#include "etch/expr/recurrence.hpp"
#include "etch/network/network.hpp"

struct Total {
  template <class S> using states = etch::Shapes<S>;

  template <etch::Expr X, etch::Expr H> static constexpr auto formula(X x, H h) {
    const auto next = h + x;
#ifdef MISTAKE
    return etch::outputs(next);
#else
    return etch::outputs(next, next);
#endif
  }
};

struct Totals {
  template <etch::Expr X> static constexpr auto formula(X x) { return etch::scan<Total>(x); }
};
using Net = etch::Network<etch::Input<5, 3>, Totals>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
