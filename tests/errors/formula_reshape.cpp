// SPDX-License-Identifier: BSL-1.0
// A layer of the user's that loses elements.
// expect: a reshape keeps the number of elements
// expect: InFormula<reshape_function>, Expected<Shape<2, 5>>, Got<Shape<3, 4>>
// expect: Regroup
#include "etch/network/network.hpp"

struct Regroup {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    return etch::reshape<etch::Shape<2, 5>>(x);
#else
    return etch::reshape<etch::Shape<2, 6>>(x);
#endif
  }
};

using Net = etch::Network<etch::Input<3, 4>, Regroup>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
