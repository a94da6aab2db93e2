// SPDX-License-Identifier: BSL-1.0
// A memory whose positions have another size than those that ask it, in a formula of the user's.
// expect: a layer called in this formula does not take what it is given
// expect: InFormula<MultiheadAttention<2>>, Expected<Shape<5, 8>>, Got<Shape<5, 6>>
// expect: Reader
#include "etch/layers/attention.hpp"
#include "etch/network/network.hpp"

struct Reader {
  template <etch::Expr X> static constexpr auto formula(X x) {
#ifdef MISTAKE
    constexpr auto memory = etch::parameter<"memory", etch::Shape<5, 6>, etch::Normal<>>;
#else
    constexpr auto memory = etch::parameter<"memory", etch::Shape<5, 8>, etch::Normal<>>;
#endif
    return etch::call<"attention", etch::MultiheadAttention<2>>(x, memory);
  }
};

using Net = etch::Network<etch::Input<3, 8>, Reader>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
