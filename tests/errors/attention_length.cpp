// SPDX-License-Identifier: BSL-1.0
// A length that is a row of numbers.
// expect: a layer called in this formula does not take what it is given
// expect: InFormula<TransformerEncoderLayer<2, 32>>, Expected<Shape<>>, Got<Shape<1>>
// expect: Reader
#include "etch/layers/transformer.hpp"
#include "etch/network/network.hpp"

struct Reader {
  template <etch::Expr X> static constexpr auto formula(X x) {
    const auto length = etch::slice<0, 0, 1>(etch::select<0, -1>(x));
#ifdef MISTAKE
    return etch::call<"encoder", etch::TransformerEncoderLayer<2, 32>>(x, length);
#else
    const auto scalar = etch::reshape<etch::Shape<>>(length);
    return etch::call<"encoder", etch::TransformerEncoderLayer<2, 32>>(x, scalar);
#endif
  }
};

using Net = etch::Network<etch::Input<4, 8>, Reader>;
static_assert(sizeof(etch::OutputShape<Net>) == 1);
