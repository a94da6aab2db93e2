// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/options.hpp"
#include "etch/layers/sequential.hpp"

// Layers whose parts are each responsible for some of the inputs.

namespace etch {

/// y_k = exp(-|x - c_k|^2 / (2 s_k^2)) on the last axis of x, [.., In] -> [.., n] (Broomhead and
/// Lowe 1988). centers: [n, In], drawn from N(0, 1) for inputs that are normalised so;
/// log_widths: [n], the logarithms of s, which are thus positive and start at 1.
template <std::size_t n> struct RBF {
  template <class S> static constexpr auto fits() {
    if constexpr (n == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else if constexpr (S::rank == 0) return Misfit<RankOfAtLeast<1>, S>{};
    else return Verdict<(S::rank < max_rank), AnyShapeOfRank<max_rank - 1>, S>{};
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t in = extent_of<-1>(X{});
    using Beside = ShapeFrom<detail::with_last<ShapeOf<X>, 1, in>()>;
    const auto c = parameter<"centers", Shape<n, in>, Normal<>>;
    const auto log_s = parameter<"log_widths", Shape<n>, Zeros>;
    const auto difference = reshape<Beside>(x) - c;
    const auto distance = sum<-1>(difference * difference);
    return exp(distance * (constant<-0.5> * exp(constant<-2.0> * log_s)));
  }
};

namespace detail {

/// sum over k of g[.., k] f_k(x), f_k having its parameters under "k".
template <class... Experts> struct WeightedSum {
  static constexpr std::size_t count = sizeof...(Experts);

  /// Whether experts take x of shape S, and have outputs of one shape.
  template <class S> static constexpr auto experts_fit() { return each<S, void, Experts...>(); }

  template <Expr X, Expr G> static constexpr auto formula(X x, G g) {
    return add<0, Experts...>(x, g);
  }

 private:
  template <std::size_t k, class First, class... Rest, Expr X, Expr G>
  static constexpr auto add(X x, G g) {
    const auto term = slice<-1, k, k + 1>(g) * call<number_key<k>(), First>(x);
    if constexpr (sizeof...(Rest) == 0) return term;
    else return term + add<k + 1, Rest...>(x, g);
  }

  template <class S, class Out> static constexpr auto each() { return Fits{}; }

  /// Out: what the experts before have, or void.
  template <class S, class Out, class First, class... Rest> static constexpr auto each() {
    constexpr auto verdict = layer_fits<First, S>();
    if constexpr (!verdict.ok) {
      return verdict;
    } else {
      using Y = ResultShape<First, S>;
      using Wanted = std::conditional_t<std::is_void_v<Out>, ShapeFrom<wanted<S, Y>()>, Out>;
      if constexpr (std::is_same_v<Y, Wanted>) return each<S, Y, Rest...>();
      else return Misfit<Wanted, Y>{};
    }
  }

  /// What the first expert should have, given what it has: axes in front are those of x.
  template <class S, class Y> static constexpr Dims wanted() {
    if constexpr (S::rank == 1 || Y::rank == 0) return Y::dims;
    else return detail::with_last<S, Y::dims[Y::rank - 1]>();
  }
};

/// The sum over those of a list that are no options.
template <class Sum, class... Rest> struct sum_of_experts {
  using type = Sum;
};
template <class... Experts, class First, class... Rest>
struct sum_of_experts<WeightedSum<Experts...>, First, Rest...>
    : std::conditional_t<std::is_base_of_v<option::TopK, First>,
                         sum_of_experts<WeightedSum<Experts...>, Rest...>,
                         sum_of_experts<WeightedSum<Experts..., First>, Rest...>> {};

/// How many stand before each element of the last axis, from the largest on; of equal ones the
/// earlier stands first.
template <Expr X> constexpr auto ranks(X x) {
  constexpr std::size_t n = extent_of<-1>(X{});
  using Mine = ShapeFrom<with_last<ShapeOf<X>, n, 1>()>;
  using Others = ShapeFrom<with_last<ShapeOf<X>, 1, n>()>;
  const auto mine = reshape<Mine>(x);
  const auto other = reshape<Others>(x);
  const auto earlier = iota<n> < reshape<Shape<n, 1>>(iota<n>);
  return sum<-1>((other > mine) + equal(other, mine) * earlier);
}

}  // namespace detail

/// sum over k of g_k f_k(x), the experts f_k being layers (or Sequential<...>) with outputs of one
/// shape and g = softmax(W x + b) (Jacobs et al. 1991): all experts run, each counts as the gate
/// says. x: [In], or [.., In], then each position has a gate of its own and experts keep the axes
/// in front. Parameters: gate.weight [n, In], gate.bias [n], experts.0.*, experts.1.*, ...
/// Option, anywhere among the experts: TopK<k>: g is the softmax of the k largest of W x + b, the
/// other experts count nothing and learn nothing (Shazeer et al. 2017, without their noise).
template <class... ExpertsAndOptions> struct MixtureOfExperts {
  template <class S> static constexpr auto fits() {
    if constexpr (experts == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else if constexpr (k == 0) return OptionMisfit<AtLeast<1>, TopK<0>>{};
    else if constexpr (k > experts) return OptionMisfit<AtMost<experts>, TopK<k>>{};
    else if constexpr (S::rank == 0) return Misfit<RankOfAtLeast<1>, S>{};
    else if constexpr (!room<S>) return Misfit<AnyShapeOfRank<max_rank - 1>, S>{};
    else return Sum::template experts_fit<S>();
  }

  template <Expr X> static constexpr auto formula(X x) {
    return call<"experts", Sum>(x, shares(call<"gate", Linear<experts>>(x)));
  }

 private:
  using Sum = typename detail::sum_of_experts<detail::WeightedSum<>, ExpertsAndOptions...>::type;
  static constexpr std::size_t experts = Sum::count;
  static constexpr std::size_t k = option_or<option::TopK, experts, ExpertsAndOptions...>();
  /// For one axis more, along which ratings are compared.
  template <class S> static constexpr bool room = k == experts || S::rank < max_rank;

  template <Expr X> static constexpr auto shares(X ratings) {
    if constexpr (k == experts) return softmax(ratings);
    else return masked_softmax(ratings, detail::ranks(ratings) < constant<static_cast<double>(k)>);
  }
};

}  // namespace etch
