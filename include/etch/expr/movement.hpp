// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/elementwise.hpp"

// Functions that see the same numbers in another order or shape. Axes may be negative (from the
// back).

namespace etch {

namespace detail {
constexpr std::size_t wrap_axis(int axis, std::size_t rank) {
  return axis < 0 ? rank - static_cast<std::size_t>(-axis) : static_cast<std::size_t>(axis);
}
}  // namespace detail

struct reshape_function {};
template <class S, Expr X> constexpr auto reshape(X) {
  static_assert(shapes_agree<S::size == ShapeOf<X>::size, InFormula<reshape_function>, Expected<S>,
                             Got<ShapeOf<X>>>,
                "etch: a reshape keeps the number of elements");
  return std::conditional_t<std::is_same_v<S, ShapeOf<X>>, X,
                            Node<Op::reshape, Attributes{}, S, X>>{};
}
/// x, through which no gradient flows.
template <Expr X> constexpr auto detach(X) {
  return Node<Op::detach, Attributes{}, ShapeOf<X>, X>{};
}
namespace detail {
/// The extents of S, but for the last one, then the given ones.
template <class S, std::size_t... extents> constexpr Dims with_last() {
  Dims d;
  for (std::size_t i = 0; i + 1 < S::rank; ++i) d.push(S::dims[i]);
  (d.push(extents), ...);
  return d;
}
}  // namespace detail
template <Expr X> constexpr auto flatten(X x) { return reshape<Shape<ShapeOf<X>::size>>(x); }

struct broadcast_to_function {};
/// Stretches axes of extent one, and adds axes in front.
template <class S, Expr X> constexpr auto broadcast_to(X) {
  constexpr Broadcast both = broadcast_dims(ShapeOf<X>::dims, S::dims);
  constexpr bool ok = both.ok && both.dims == S::dims;
  static_assert(shapes_agree<ok, InFormula<broadcast_to_function>, Expected<S>, Got<ShapeOf<X>>>,
                "etch: this shape does not broadcast to that one");
  return detail::broadcast_node<X, S>{};
}

namespace detail {
template <std::size_t... order> constexpr Attributes in_order() {
  Attributes a;
  std::size_t i = 0;
  ((a.order[i++] = order), ...);
  return a;
}
}  // namespace detail

/// Axis i of the result is axis order[i] of x.
template <std::size_t... order, Expr X> constexpr auto permute(X) {
  static_assert(sizeof...(order) == ShapeOf<X>::rank, "etch: permute names every axis once");
  constexpr Attributes a = detail::in_order<order...>();
  return Node<Op::permute, a, ShapeFrom<permuted_dims(a, ShapeOf<X>::dims)>, X>{};
}

namespace detail {
template <std::size_t rank> constexpr Attributes swap_last_two() {
  Attributes a;
  for (std::size_t i = 0; i < rank; ++i) a.order[i] = i;
  a.order[rank - 2] = rank - 1;
  a.order[rank - 1] = rank - 2;
  return a;
}
}  // namespace detail

/// Swaps the last two axes.
template <Expr X> constexpr auto transpose(X) {
  static_assert(ShapeOf<X>::rank >= 2, "etch: transpose needs at least two axes");
  constexpr Attributes a = detail::swap_last_two<ShapeOf<X>::rank>();
  return Node<Op::permute, a, ShapeFrom<permuted_dims(a, ShapeOf<X>::dims)>, X>{};
}

struct slice_function {};
/// x[..., start:stop:step, ...] along one axis.
template <int axis, std::size_t start, std::size_t stop, std::size_t step = 1, Expr X>
constexpr auto slice(X) {
  constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<X>::rank);
  constexpr bool ok = start < stop && step > 0 && stop <= ShapeOf<X>::dims[at];
  static_assert(shapes_agree<ok, InFormula<slice_function>, Expected<AxisOfAtLeast<at, stop>>,
                             Got<ShapeOf<X>>>,
                "etch: a slice lies within its axis and is not empty");
  constexpr Dims dims = [] {
    Dims d = ShapeOf<X>::dims;
    d.extent[at] = (stop - start + step - 1) / step;
    return d;
  }();
  return Node<Op::slice, Attributes{.axis = at, .start = start, .step = step}, ShapeFrom<dims>,
              X>{};
}

struct concat_function {};
template <int axis, Expr A> constexpr auto concat(A a) { return a; }
template <int axis, Expr A, Expr B, Expr... More> constexpr auto concat(A, B, More... more) {
  constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<A>::rank);
  constexpr bool ok = [] {
    Dims d = ShapeOf<B>::dims;
    if (at < d.rank) d.extent[at] = ShapeOf<A>::dims[at];
    return d == ShapeOf<A>::dims;
  }();
  static_assert(shapes_agree<ok, InFormula<concat_function>, Expected<ShapeOf<A>>, Got<ShapeOf<B>>>,
                "etch: concat needs equal shapes but for the axis it runs along");
  constexpr Attributes attributes{.axis = at};
  using S = ShapeFrom<concat_dims(attributes, ShapeOf<A>::dims, ShapeOf<B>::dims)>;
  return concat<axis>(Node<Op::concat, attributes, S, A, B>{}, more...);
}

/// `before` and `after` zeros at the ends of one axis.
template <int axis, std::size_t before, std::size_t after, Expr X> constexpr auto pad(X x) {
  if constexpr (before + after == 0) {
    return x;
  } else {
    constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<X>::rank);
    constexpr Dims dims = [] {
      Dims d = ShapeOf<X>::dims;
      d.extent[at] += before + after;
      return d;
    }();
    return Node<Op::pad, Attributes{.axis = at, .start = before, .step = 1}, ShapeFrom<dims>, X>{};
  }
}

}  // namespace etch
