// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"

namespace etch {

/// What Permute expects of its numbers.
template <std::size_t rank> struct EachAxisOnce {};

/// All axes of a sample in one, row-major.
struct Flatten {
  template <Expr X> static constexpr auto formula(X x) { return flatten(x); }
};

/// The same numbers, row-major, as a sample of shape [extents...].
template <std::size_t... extents> struct Reshape {
  template <class S> static constexpr auto fits() {
    return Verdict<S::size == Shape<extents...>::size, Shape<extents...>, S>{};
  }
  template <Expr X> static constexpr auto formula(X x) { return reshape<Shape<extents...>>(x); }
};

/// Axis i of y is axis order[i] of x, as torch.permute; axes count without the batch.
template <std::size_t... order> struct Permute {
  template <class S> static constexpr auto fits() {
    constexpr std::size_t rank = sizeof...(order);
    if constexpr (!names_each_once()) return OptionMisfit<EachAxisOnce<rank>, Permute>{};
    else return Verdict<S::rank == rank, AnyShapeOfRank<rank>, S>{};
  }
  template <Expr X> static constexpr auto formula(X x) { return permute<order...>(x); }

 private:
  static constexpr bool names_each_once() {
    constexpr std::size_t rank = sizeof...(order);
    std::size_t times[rank + 1] = {};  // the last: numbers that are no axis
    ((++times[order < rank ? order : rank]), ...);
    for (std::size_t axis = 0; axis < rank; ++axis) {
      if (times[axis] != 1) return false;
    }
    return true;
  }
};

}  // namespace etch
