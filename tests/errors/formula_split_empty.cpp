// SPDX-License-Identifier: BSL-1.0
// A piece with nothing in it.
// expect: the pieces of an axis add up to it, and none of them is empty
// expect: InFormula<split_function>, Expected<AtLeast<1>>, Got<Number<0>>
// expect: Halves
#include "etch/network/network.hpp"

struct Halves {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    const auto [mean, deviation] = etch::split<-1, 6, 0>(x);
#else
    const auto [mean, deviation] = etch::split<-1, 5, 1>(x);
#endif
    return etch::sum<-1>(mean) * etch::sum<-1>(deviation);
  }
};

using Net = etch::Network<etch::Input<3, 6>, Halves>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
