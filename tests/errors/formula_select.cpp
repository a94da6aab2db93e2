// SPDX-License-Identifier: BSL-1.0
// A layer of the user's that asks for a row behind the last one.
// expect: an index lies within its axis
// expect: InFormula<select_function>, Expected<AxisOfAtLeast<0, 4>>, Got<Shape<3, 6>>
// expect: Fourth
#include "etch/network/network.hpp"

struct Fourth {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    return etch::select<0, 3>(x);
#else
    return etch::select<0, -3>(x);
#endif
  }
};

using Net = etch::Network<etch::Input<3, 6>, Fourth>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
