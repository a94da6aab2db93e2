// SPDX-License-Identifier: BSL-1.0
// A layer of the user's that reaches behind the end of an axis.
// expect: a slice lies within its axis and is not empty
// expect: InFormula<slice_function>, Expected<AxisOfAtLeast<1, 5>>, Got<Shape<3, 4>>
// expect: Tail
#include "etch/network/network.hpp"

struct Tail {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    return etch::slice<-1, 2, 5>(x);
#else
    return etch::slice<-1, 2, 4>(x);
#endif
  }
};

using Net = etch::Network<etch::Input<3, 4>, Tail>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
