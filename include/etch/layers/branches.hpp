// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "etch/layers/sequential.hpp"

// Layers side by side on the same input. Parameters of a branch are named by its position, from
// "0".

namespace etch {

namespace detail {

/// The first verdict of the branches that is not `Fits`.
template <class S> constexpr auto branches_fit() { return Fits{}; }
template <class S, class First, class... Rest> constexpr auto branches_fit() {
  constexpr auto verdict = layer_fits<First, S>();
  if constexpr (verdict.ok) return branches_fit<S, Rest...>();
  else return verdict;
}

/// What the first result says of the others: they are of its shape, but for axis `apart`.
template <std::size_t apart, class First> constexpr auto results_agree() { return Fits{}; }
template <std::size_t apart, class First, class Second, class... Rest>
constexpr auto results_agree() {
  constexpr bool ok = [] {
    Dims d = Second::dims;
    if (apart < d.rank && apart < First::rank) d.extent[apart] = First::dims[apart];
    return d == First::dims;
  }();
  if constexpr (ok) return results_agree<apart, First, Rest...>();
  else return Misfit<First, Second>{};
}

template <class First, class...> struct first_of {
  using type = First;
};

inline constexpr std::size_t no_axis = max_rank;

template <class S, class... Branches> constexpr auto same_results() {
  constexpr auto inner = branches_fit<S, Branches...>();
  if constexpr (!inner.ok) return inner;
  else return results_agree<no_axis, ResultShape<Branches, S>...>();
}

/// f(results of the branches).
template <class... Branches, Expr X, class F> constexpr auto of_branches(X x, F f) {
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    return f(call<number_key<i>(), Branches>(x)...);
  }(std::index_sequence_for<Branches...>{});
}

}  // namespace detail

/// The results of the branches one after the other along an axis (Inception, Szegedy et al. 2015).
/// A branch is a layer or a Sequential; an empty Sequential passes x on.
template <int axis, class... Branches> struct Concat {
  template <class S> static constexpr auto fits() {
    constexpr auto inner = detail::branches_fit<S, Branches...>();
    if constexpr (!inner.ok) {
      return inner;
    } else {
      using First = typename detail::first_of<ResultShape<Branches, S>...>::type;
      constexpr int rank = static_cast<int>(First::rank);
      if constexpr (axis >= rank || axis < -rank) {
        return Misfit<AnyShapeOfRank<static_cast<std::size_t>(axis < 0 ? -axis : axis + 1)>,
                      First>{};
      } else {
        return detail::results_agree<detail::wrap_axis(axis, First::rank),
                                     ResultShape<Branches, S>...>();
      }
    }
  }
  template <Expr X> static constexpr auto formula(X x) {
    return detail::of_branches<Branches...>(x, [](auto... y) { return concat<axis>(y...); });
  }
};

/// The sum of the results of the branches, which have the same shape.
template <class... Branches> struct Sum {
  template <class S> static constexpr auto fits() {
    return detail::same_results<S, Branches...>();
  }
  template <Expr X> static constexpr auto formula(X x) {
    return detail::of_branches<Branches...>(x, [](auto... y) { return (y + ...); });
  }
};

/// Their product, element by element: a branch that ends in a Sigmoid is a gate.
template <class... Branches> struct Multiply {
  template <class S> static constexpr auto fits() {
    return detail::same_results<S, Branches...>();
  }
  template <Expr X> static constexpr auto formula(X x) {
    return detail::of_branches<Branches...>(x, [](auto... y) { return (y * ...); });
  }
};

template <int axis = 0, Layer... Branches>
  requires(sizeof...(Branches) > 0)
constexpr auto concat(Branches...) {
  return Concat<axis, Branches...>{};
}
template <Layer... Branches>
  requires(sizeof...(Branches) > 0)
constexpr auto sum(Branches...) {
  return Sum<Branches...>{};
}
template <Layer... Branches>
  requires(sizeof...(Branches) > 0)
constexpr auto multiply(Branches...) {
  return Multiply<Branches...>{};
}

namespace detail {
template <class L> struct as_sequential {
  using type = Sequential<L>;
};
template <class... Layers> struct as_sequential<Sequential<Layers...>> {
  using type = Sequential<Layers...>;
};
}  // namespace detail

/// The layers n times, each time with parameters of its own: repeat<12>(Encoder{}). Equal layers
/// are compiled once.
template <std::size_t n, Layer L> constexpr auto repeat(L layer) {
  static_assert(n > 0, "etch: layers are repeated at least once");
  using One = typename detail::as_sequential<L>::type;
  if constexpr (n <= 1) return One{};
  else return One{} | repeat<n - 1>(layer);
}

}  // namespace etch
