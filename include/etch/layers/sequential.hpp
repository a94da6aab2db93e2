// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "etch/expr/functions.hpp"

// Composition: pipelines of layers, and branches around them.

namespace etch {

/// A layer is an empty type with a static member template `formula(x)`. It may also have
/// `template <class S> static constexpr auto fits()`, its verdict on an input shape.
template <class L>
concept Layer = std::is_empty_v<L> && !std::derived_from<L, Expression>;

/// What a layer of one input expects.
struct OneInput {};

namespace detail {
template <class L, class... S, std::size_t... i>
constexpr auto several_fit(Shapes<S...> shapes, std::index_sequence<i...>) {
  if constexpr (requires { L::template fits<S...>(); }) return L::template fits<S...>();
  else if constexpr (requires { L::formula(Argument<i, S>{}...); }) return Fits{};
  else return Misfit<OneInput, decltype(shapes)>{};
}
}  // namespace detail

/// The verdict of a layer on an input shape, or on the Shapes of several inputs; a layer without an
/// opinion takes everything.
template <class L, class S> constexpr auto layer_fits() {
  if constexpr (are_shapes<S>) {
    return detail::several_fit<L>(S{}, std::make_index_sequence<S::count>{});
  } else if constexpr (requires { L::template fits<S>(); }) {
    return L::template fits<S>();
  } else {
    return Fits{};
  }
}

namespace detail {
/// The first verdict of a pipeline that is not `Fits`.
template <class S> constexpr auto pipeline_fits() { return Fits{}; }
template <class S, class First, class... Rest> constexpr auto pipeline_fits() {
  constexpr auto verdict = layer_fits<First, S>();
  if constexpr (verdict.ok) return pipeline_fits<ResultShape<First, S>, Rest...>();
  else return verdict;
}
}  // namespace detail

/// Layers one after the other; a layer itself, so it may stand inside of others. Where a layer has
/// several results, the next one takes as many inputs. Parameters are named by position:
/// "0.weight", "2.bias", as torch.nn.Sequential does.
template <class... Layers> struct Sequential {
  template <class S> static constexpr auto fits() {
    return detail::pipeline_fits<S, Layers...>();
  }
  template <class S, class... More>
    requires(sizeof...(More) > 0)
  static constexpr auto fits() {
    return detail::pipeline_fits<Shapes<S, More...>, Layers...>();
  }
  template <Expr X> static constexpr auto formula(X) { return Piped<X, Layers...>{}; }
  template <Expr... X> static constexpr auto formula(X...) {
    return Piped<Values<X...>, Layers...>{};
  }
};

/// x + f(x), f being the layers in sequence (He et al. 2016); f keeps the shape.
template <class... Layers> struct Residual {
  template <class S> static constexpr auto fits() {
    constexpr auto inner = detail::pipeline_fits<S, Layers...>();
    if constexpr (!inner.ok) {
      return inner;
    } else {
      using Out = typename detail::piped_shape<S, Layers...>::type;
      return Verdict<std::is_same_v<Out, S>, S, Out>{};
    }
  }
  template <Expr X> static constexpr auto formula(X x) { return x + Piped<X, Layers...>{}; }
};

template <class... Layers> constexpr auto residual(Sequential<Layers...>) {
  return Residual<Layers...>{};
}
template <Layer L> constexpr auto residual(L) { return Residual<L>{}; }

}  // namespace etch
