// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/layers/along_axis.hpp"

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

/// Position `index` of an axis, which disappears, as torch.select: Select<0, -1> is the last step
/// of a sequence, [T, F] -> [F]. A negative index counts from the end, a negative axis from the
/// back.
template <int axis, int index> struct Select {
  template <class S> static constexpr auto fits() {
    constexpr auto along = detail::AlongAxis<axis>::template fits<S>();
    if constexpr (!along.ok) {
      return along;
    } else {
      constexpr std::size_t at = detail::wrap_axis(axis, S::rank);
      constexpr std::size_t least = detail::extent_for(index);
      return Verdict<(S::dims[at] >= least), AxisOfAtLeast<at, least>, S>{};
    }
  }
  template <Expr X> static constexpr auto formula(X x) { return select<axis, index>(x); }
};

}  // namespace etch
