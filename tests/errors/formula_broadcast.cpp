// SPDX-License-Identifier: BSL-1.0
// A layer of the user's that adds what does not fit together.
// expect: these shapes do not broadcast to a common one
// expect: InFormula<elementwise_function>, Expected<Shape<3, 4>>, Got<Shape<3>>
// expect: Shift
#include "etch/expr/initializers.hpp"
#include "etch/network/network.hpp"

struct Shift {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    return x + etch::parameter<"bias", etch::Shape<3>, etch::Zeros>;
#else
    return x + etch::parameter<"bias", etch::Shape<3, 1>, etch::Zeros>;
#endif
  }
};

using Net = etch::Network<etch::Input<3, 4>, Shift, Shift>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
