// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"

namespace layers {

using namespace etch::literals;

/// A layer from a lambda: of x alone, or of x and the parameter "w" of shape W.
template <auto f, class W = void> struct Formula {
  template <etch::Expr X> static constexpr auto formula(X x) {
    if constexpr (std::is_void_v<W>) return f(x);
    else return f(x, etch::parameter<"w", W, etch::Zeros>);
  }
};

}  // namespace layers
