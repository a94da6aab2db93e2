// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/expr/functions.hpp"

namespace etch {

/// All axes of a sample in one, row-major.
struct Flatten {
  template <Expr X> static constexpr auto formula(X x) { return flatten(x); }
};

}  // namespace etch
