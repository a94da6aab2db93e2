// SPDX-License-Identifier: BSL-1.0
// An axis that is cut into no pieces.
// expect: an axis is cut into at least one piece
// expect: InFormula<chunk_function>, Expected<AtLeast<1>>, Got<Number<0>>
// expect: First
#include "etch/network/network.hpp"

struct First {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    return std::get<0>(etch::chunk<-1, 0>(x));
#else
    return std::get<0>(etch::chunk<-1, 4>(x));
#endif
  }
};

using Net = etch::Network<etch::Input<3, 6>, First>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
