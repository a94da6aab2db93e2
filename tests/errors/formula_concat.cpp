// SPDX-License-Identifier: BSL-1.0
// A layer of the user's that joins what does not fit together.
// expect: concat needs equal shapes but for the axis it runs along
// expect: InFormula<concat_function>, Expected<Shape<3, 4>>, Got<Shape<4, 3>>
// expect: Doubled
#include "etch/network/network.hpp"

struct Doubled {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    return etch::concat<0>(x, transpose(x));
#else
    return etch::concat<0>(x, transpose(transpose(x)));
#endif
  }
};

using Net = etch::Network<etch::Input<3, 4>, Doubled>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
