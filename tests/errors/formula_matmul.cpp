// SPDX-License-Identifier: BSL-1.0
// A layer of the user's that multiplies what does not fit together.
// expect: matmul needs [.., M, K] and [.., K, N]
// expect: InFormula<matmul_function>, Expected<Shape<3, 4>>, Got<Shape<3, 4>>
// expect: Gram
#include "etch/network/network.hpp"

struct Gram {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    return matmul(x, x);
#else
    return matmul(x, transpose(x));
#endif
  }
};

using Net = etch::Network<etch::Input<3, 4>, Gram>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
