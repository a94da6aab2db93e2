// SPDX-License-Identifier: BSL-1.0
// Pieces that do not add up to their axis.
// expect: the pieces of an axis add up to it, and none of them is empty
// expect: InFormula<split_function>, Expected<AxisOf<1, 5>>, Got<Shape<3, 6>>
// expect: Halves
#include "etch/network/network.hpp"

struct Halves {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    const auto [mean, deviation] = etch::split<-1, 2, 3>(x);
#else
    const auto [mean, deviation] = etch::split<-1, 2, 4>(x);
#endif
    return etch::sum<-1>(mean) * etch::sum<-1>(deviation);
  }
};

using Net = etch::Network<etch::Input<3, 6>, Halves>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
