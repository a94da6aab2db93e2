// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"

namespace layers {

/// A layer of two inputs as one of a single input, which holds both: cut at `at` along `axis`.
/// Parameters keep their names.
template <class Layer, int axis, std::size_t at> struct CutInTwo {
  template <etch::Expr X> static constexpr auto formula(X x) {
    const auto [a, b] = etch::split<axis, at, etch::extent_of<axis>(X{}) - at>(x);
    return etch::call<"", Layer>(a, b);
  }
};

/// A layer that takes a length as well; the last row of the single input starts with it. The other
/// rows are x, or cut at `at`.
template <class Layer, std::size_t at = 0> struct WithLength {
  template <etch::Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t rows = etch::extent_of<0>(X{}) - 1;
    const auto length = etch::select<0, 0>(etch::select<0, -1>(x));
    if constexpr (at == 0) {
      return etch::call<"", Layer>(etch::slice<0, 0, rows>(x), length);
    } else {
      return etch::call<"", Layer>(etch::slice<0, 0, at>(x), etch::slice<0, at, rows>(x), length);
    }
  }
};

}  // namespace layers
