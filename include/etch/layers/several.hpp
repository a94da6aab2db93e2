// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "etch/layers/branches.hpp"

// Pipelines in which several values go from layer to layer: networks with several inputs or
// outputs, conditions that every layer sees, siamese networks.

namespace etch {

/// What Parallel expects: as many values as it has layers.
template <std::size_t count> struct ValuesOf {};

/// The k-th layer for the k-th value. Parameters: "0.weight", "1.weight", ...
template <class... Layers> struct Parallel {
  template <class... S> static constexpr auto fits() {
    if constexpr (sizeof...(S) != sizeof...(Layers)) {
      return Misfit<ValuesOf<sizeof...(Layers)>, Shapes<S...>>{};
    } else {
      return first_misfit(Fits{}, layer_fits<Layers, S>()...);
    }
  }
  template <Expr... X> static constexpr auto formula(X... x) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return outputs(call<detail::number_key<i>(), Layers>(x)...);
    }(std::index_sequence_for<Layers...>{});
  }

 private:
  static constexpr auto first_misfit(auto verdict) { return verdict; }
  template <class First, class Second, class... Rest>
  static constexpr auto first_misfit(First first, Second second, Rest... rest) {
    if constexpr (!First::ok) return first;
    else return first_misfit(second, rest...);
  }
};

/// A layer for the first value; the others pass. Parameters are named as the layer's own.
template <class L> struct OnFirst {
  template <class S, class... More> static constexpr auto fits() { return layer_fits<L, S>(); }
  template <Expr X, Expr... More> static constexpr auto formula(X x, More... more) {
    return outputs(call<"", L>(x), more...);
  }
};

/// A layer that takes all values, for the first one; the others pass: each decoder of a transformer
/// sees the memory, OnFirst<L> and OnAll<L> side by side do what a condition is for.
template <class L> struct OnAll {
  template <class... S> static constexpr auto fits() { return layer_fits<L, Shapes<S...>>(); }
  template <Expr X, Expr... More> static constexpr auto formula(X x, More... more) {
    return outputs(call<"", L>(x, more...), more...);
  }
};

/// The first value alone.
struct TakeFirst {
  template <Expr X, Expr... More> static constexpr auto formula(X x, More...) { return x; }
};

/// All values one after the other along an axis.
template <int axis = 0> struct Join {
  template <class S, class... More> static constexpr auto fits() {
    constexpr int rank = static_cast<int>(S::rank);
    if constexpr (axis >= rank || axis < -rank) {
      return Misfit<RankOfAtLeast<detail::extent_for(axis)>, S>{};
    } else {
      return detail::results_agree<detail::wrap_axis(axis, S::rank), S, More...>();
    }
  }
  template <Expr... X> static constexpr auto formula(X... x) { return concat<axis>(x...); }
};

/// The sum of all values, which have the same shape.
struct Add {
  template <class... S> static constexpr auto fits() {
    return detail::results_agree<detail::no_axis, S...>();
  }
  template <Expr... X> static constexpr auto formula(X... x) { return (x + ...); }
};

/// Pieces of these sizes along an axis, each a value of its own (torch.split).
template <int axis, std::size_t... sizes> struct Split {
  template <Expr X> static constexpr auto formula(X x) {
    return std::apply([](auto... piece) { return outputs(piece...); }, split<axis, sizes...>(x));
  }
};

}  // namespace etch
