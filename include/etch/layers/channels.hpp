// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"

namespace etch::detail {

template <std::size_t rank, std::size_t channels> constexpr Dims channel_dims() {
  Dims d;
  for (std::size_t i = 0; i < rank; ++i) d.push(i == 0 ? channels : 1);
  return d;
}

/// [C] -> [C, 1, ..], which broadcasts over samples [C, ..] of shape S.
template <class S, Expr P> constexpr auto per_channel(P p) {
  constexpr Dims dims = channel_dims<S::rank, ShapeOf<P>::size>();
  return reshape<ShapeFrom<dims>>(p);
}

}  // namespace etch::detail
