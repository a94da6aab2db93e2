// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/expr/functions.hpp"
#include "etch/layers/options.hpp"

// What layers with a weight [Out, In] and a bias are made of.

namespace etch::detail {

/// W x for a vector; for a sequence [.., T, In] the same for each row: x W^T.
template <Expr W, Expr X> constexpr auto linear_map(W w, X x) {
  if constexpr (ShapeOf<X>::rank == 1) return matmul(w, x);
  else return matmul(x, transpose(w));
}

/// y + b, or y alone if there is Bias<false> among the options.
template <class... Options, Expr Y, Expr B> constexpr auto plus_bias(Y y, B b) {
  if constexpr (option_or<option::Bias, true, Options...>()) return y + b;
  else return y;
}

}  // namespace etch::detail
