// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

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

namespace detail {
/// `count` positions of an axis from `start` on, `step` apart; the whole axis is x itself.
template <std::size_t axis, std::size_t start, std::size_t count, std::size_t step = 1, Expr X>
constexpr auto positions(X x) {
  constexpr Dims dims = [] {
    Dims d = ShapeOf<X>::dims;
    d.extent[axis] = count;
    return d;
  }();
  constexpr Attributes a{.axis = axis, .start = start, .step = step};
  if constexpr (count == ShapeOf<X>::dims[axis]) return x;
  else return Node<Op::slice, a, ShapeFrom<dims>, X>{};
}
}  // namespace detail

struct slice_function {};
/// x[..., start:stop:step, ...] along one axis.
template <int axis, std::size_t start, std::size_t stop, std::size_t step = 1, Expr X>
constexpr auto slice(X x) {
  constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<X>::rank);
  constexpr bool ok = start < stop && step > 0 && stop <= ShapeOf<X>::dims[at];
  static_assert(shapes_agree<ok, InFormula<slice_function>, Expected<AxisOfAtLeast<at, stop>>,
                             Got<ShapeOf<X>>>,
                "etch: a slice lies within its axis and is not empty");
  return detail::positions<at, start, (stop - start + step - 1) / step, step>(x);
}

namespace detail {
/// What an index needs of its axis.
constexpr std::size_t extent_for(int index) {
  return index < 0 ? static_cast<std::size_t>(-index) : static_cast<std::size_t>(index) + 1;
}
}  // namespace detail

struct select_function {};
/// x[..., index, ...]: one position of an axis, which disappears; a negative index counts from the
/// end. As torch.select.
template <int axis, int index, Expr X> constexpr auto select(X x) {
  constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<X>::rank);
  constexpr std::size_t extent = ShapeOf<X>::dims[at], least = detail::extent_for(index);
  static_assert(shapes_agree<least <= extent, InFormula<select_function>,
                             Expected<AxisOfAtLeast<at, least>>, Got<ShapeOf<X>>>,
                "etch: an index lies within its axis");
  return reshape<ShapeFrom<reduced_dims(ShapeOf<X>::dims, std::size_t{1} << at)>>(
      detail::positions<at, detail::wrap_axis(index, extent), 1>(x));
}

namespace detail {
template <class S, std::size_t axis, std::size_t... sizes> constexpr auto pieces_fit() {
  constexpr std::size_t total = (sizes + ...);
  if constexpr (((sizes == 0) || ...)) return Misfit<AtLeast<1>, Number<0>>{};
  else return Verdict<total == S::dims[axis], AxisOf<axis, total>, S>{};
}

template <std::size_t... sizes> constexpr std::size_t start_of(std::size_t piece) {
  std::size_t start = 0, i = 0;
  ((start += i++ < piece ? sizes : 0), ...);
  return start;
}

template <std::size_t axis, std::size_t... sizes, std::size_t... i, Expr X>
constexpr auto pieces(X x, std::index_sequence<i...>) {
  return std::make_tuple(positions<axis, start_of<sizes...>(i), sizes>(x)...);
}
template <std::size_t axis, std::size_t size, std::size_t... i, Expr X>
constexpr auto equal_pieces(X x, std::index_sequence<i...>) {
  constexpr std::size_t extent = ShapeOf<X>::dims[axis];
  return std::make_tuple(
      positions<axis, i * size, std::min(size, extent - i * size)>(x)...);
}
}  // namespace detail

struct split_function {};
/// Cuts an axis into pieces of these sizes, which add up to it; or, given one number, into pieces
/// of that size, the last one of what remains. A std::tuple, as torch.split:
/// const auto [mean, log_variance] = split<-1, 8, 8>(x).
template <int axis, std::size_t size, std::size_t... sizes, Expr X> constexpr auto split(X x) {
  constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<X>::rank);
  constexpr std::size_t extent = ShapeOf<X>::dims[at];
  constexpr bool one_size = sizeof...(sizes) == 0 && size != 0;
  using V = decltype(detail::pieces_fit<ShapeOf<X>, at, one_size ? extent : size, sizes...>());
  static_assert(shapes_agree<V::ok, InFormula<split_function>, typename V::expected,
                             typename V::got>,
                "etch: the pieces of an axis add up to it, and none of them is empty");
  if constexpr (one_size) {
    constexpr std::size_t count = (extent + size - 1) / size;
    return detail::equal_pieces<at, size>(x, std::make_index_sequence<count>{});
  } else {
    return detail::pieces<at, size, sizes...>(x, std::make_index_sequence<1 + sizeof...(sizes)>{});
  }
}

struct chunk_function {};
/// Cuts an axis into n pieces of one size, rounded up; so the last one may be smaller, and they may
/// be fewer than n. A std::tuple, as torch.chunk: const auto [i, f, g, o] = chunk<-1, 4>(gates).
template <int axis, std::size_t n, Expr X> constexpr auto chunk(X x) {
  static_assert(shapes_agree<n != 0, InFormula<chunk_function>, Expected<AtLeast<1>>,
                             Got<Number<n>>>,
                "etch: an axis is cut into at least one piece");
  constexpr std::size_t parts = n == 0 ? 1 : n;
  return split<axis, (extent_of<axis>(X{}) + parts - 1) / parts>(x);
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
