// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/expr/functions.hpp"
#include "etch/layers/options.hpp"

namespace etch {

/// In training sets each element to zero with probability p and scales the others by 1 / (1 - p)
/// (Srivastava et al. 2014), as torch.nn.Dropout; in inference passes x on. The mask is a function
/// of the trainer's seed, the step and the element's place: the same on every machine. Each
/// call<"drop", Dropout<>>(x) inside a formula has a mask of its own, unless both key and x are the
/// same. Also an option of layers that drop out inside.
template <double p = 0.5> struct Dropout : option::Dropout {
  static constexpr double value = p;

  template <class S> static constexpr auto fits() {
    if constexpr (p >= 0 && p < 1) return Fits{};
    else return OptionMisfit<ProbabilityBelowOne, Dropout>{};
  }

  template <Expr X> static constexpr auto formula(X x) {
    if constexpr (p == 0) {
      return x;
    } else {
      const auto kept = uniform<ShapeOf<X>> >= constant<p>;
      return by_phase(kept * (x * constant<1 / (1 - p)>), x);
    }
  }
};

}  // namespace etch
