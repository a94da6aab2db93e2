// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/movement.hpp"

// Sums, means and maxima over axes, and what is normalised along one.

namespace etch {

/// As in sum<-1>(x, keepdim): reduced axes stay with extent one.
inline constexpr struct KeepDim {
} keepdim;

namespace detail {
/// No axis named: all of them.
template <std::size_t rank>
constexpr std::size_t axes_mask() {
  return (std::size_t{1} << rank) - 1;
}
template <std::size_t rank, int first, int... rest> constexpr std::size_t axes_mask() {
  return ((std::size_t{1} << wrap_axis(first, rank)) | ... |
          (std::size_t{1} << wrap_axis(rest, rank)));
}

constexpr Dims kept_dims(Dims dims, std::size_t axes) {
  for (std::size_t i = 0; i < dims.rank; ++i) {
    if ((axes >> i & 1) != 0) dims.extent[i] = 1;
  }
  return dims;
}

template <Op op, int... axes, Expr X> constexpr auto reduce(X x) {
  using S = ShapeOf<X>;
  if constexpr (S::rank == 0) {
    return x;
  } else {
    constexpr std::size_t mask = axes_mask<S::rank, axes...>();
    return Node<op, Attributes{.axes = mask}, ShapeFrom<reduced_dims(S::dims, mask)>, X>{};
  }
}

template <int... axes, Expr X, Expr Y> constexpr auto keep(X, Y reduced) {
  return reshape<ShapeFrom<kept_dims(ShapeOf<X>::dims, axes_mask<ShapeOf<X>::rank, axes...>())>>(
      reduced);
}
}  // namespace detail

template <int... axes, Expr X> constexpr auto sum(X x) {
  return detail::reduce<Op::sum, axes...>(x);
}
/// Over the samples of a batch as well; without axes, over them alone. Only batch statistics in
/// training may want it: the result is one for all samples.
template <int... axes, Expr X> constexpr auto sum_over_batch(X) {
  using S = ShapeOf<X>;
  constexpr std::size_t mask = [] {
    if constexpr (sizeof...(axes) == 0) return std::size_t{0};
    else return detail::axes_mask<S::rank, axes...>();
  }();
  return Node<Op::sum, Attributes{.axes = mask, .over_batch = true},
              ShapeFrom<reduced_dims(S::dims, mask)>, X>{};
}
template <int... axes, Expr X> constexpr auto sum(X x, KeepDim) {
  return detail::keep<axes...>(x, sum<axes...>(x));
}
/// The largest element along the axes; the gradient is shared equally by ties (torch.amax).
template <int... axes, Expr X> constexpr auto max(X x) {
  return detail::reduce<Op::max_reduce, axes...>(x);
}
template <int... axes, Expr X> constexpr auto max(X x, KeepDim) {
  return detail::keep<axes...>(x, max<axes...>(x));
}
template <int... axes, Expr X> constexpr auto mean(X x) {
  constexpr auto total = decltype(sum<axes...>(x)){};
  return total / constant<static_cast<double>(ShapeOf<X>::size) /
                          static_cast<double>(ShapeOf<decltype(sum<axes...>(x))>::size)>;
}
template <int... axes, Expr X> constexpr auto mean(X x, KeepDim) {
  return detail::keep<axes...>(x, mean<axes...>(x));
}

/// exp(x) / sum(exp(x)) over the last axis, computed with the maximum subtracted.
template <Expr X> constexpr auto softmax(X x) { return detail::unary<Op::softmax>(x); }
template <Expr X> constexpr auto log_softmax(X x) { return detail::unary<Op::log_softmax>(x); }

/// softmax over the last axis of the places where `mask` is not zero; zero at the others, and in
/// rows that have no such place, whose softmax would be 0 / 0.
template <Expr X, Expr M> constexpr auto masked_softmax(X x, M mask) {
  return where(mask, softmax(where(mask, x, constant<-1e30>)), constant<0.0>);
}

}  // namespace etch
