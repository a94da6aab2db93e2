// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/linear.hpp"
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
};

}  // namespace detail

/// sum over k of g_k f_k(x), the experts f_k being layers (or Sequential<...>) with outputs of one
/// shape and g = softmax(W x + b) (Jacobs et al. 1991): all experts run, each counts as the gate
/// says. x: [In], or [.., In], then each position has a gate of its own and experts keep the axes
/// in front. Parameters: gate.weight [n, In], gate.bias [n], experts.0.*, experts.1.*, ...
template <class... Experts> struct MixtureOfExperts {
  template <class S> static constexpr auto fits() {
    if constexpr (sizeof...(Experts) == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else if constexpr (S::rank == 0) return Misfit<RankOfAtLeast<1>, S>{};
    else return experts_fit<S, void, Experts...>();
  }

  template <Expr X> static constexpr auto formula(X x) {
    const auto g = softmax(call<"gate", Linear<sizeof...(Experts)>>(x));
    return call<"experts", detail::WeightedSum<Experts...>>(x, g);
  }

 private:
  template <class S, class Out> static constexpr auto experts_fit() { return Fits{}; }

  /// Out: what the experts before have, or void.
  template <class S, class Out, class First, class... Rest> static constexpr auto experts_fit() {
    constexpr auto verdict = layer_fits<First, S>();
    if constexpr (!verdict.ok) {
      return verdict;
    } else {
      using Y = ResultShape<First, S>;
      using Wanted = std::conditional_t<std::is_void_v<Out>, ShapeFrom<wanted<S, Y>()>, Out>;
      if constexpr (std::is_same_v<Y, Wanted>) return experts_fit<S, Y, Rest...>();
      else return Misfit<Wanted, Y>{};
    }
  }

  /// What the first expert should have, given what it has: axes in front are those of x.
  template <class S, class Y> static constexpr Dims wanted() {
    if constexpr (S::rank == 1 || Y::rank == 0) return Y::dims;
    else return detail::with_last<S, Y::dims[Y::rank - 1]>();
  }
};

}  // namespace etch
