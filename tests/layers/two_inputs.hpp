// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"

namespace layers {

/// A layer of two inputs as one of a single input, which holds both: cut at `at` along `axis`.
/// Parameters keep their names.
template <class Layer, int axis, std::size_t at> struct CutInTwo {
  template <etch::Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t end = etch::extent_of<axis>(X{});
    return etch::call<"", Layer>(etch::slice<axis, 0, at>(x), etch::slice<axis, at, end>(x));
  }
};

}  // namespace layers
