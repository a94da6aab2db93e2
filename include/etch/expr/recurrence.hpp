// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "etch/expr/check.hpp"
#include "etch/expr/node.hpp"

// A cell is the formula of one step of a recurrence: of what comes in and the states that the step
// before has left behind it makes what goes out and the new states. Its states are zero at first.
//
//     struct Decay {  // h_t = a h_{t-1} + x_t
//       template <class S> using states = Shapes<S>;
//       template <Expr X, Expr H> static constexpr auto formula(X x, H h) {
//         const auto next = parameter<"a", ShapeOf<X>, Ones> * h + x;
//         return outputs(next, next);
//       }
//     };

namespace etch {

template <class C>
concept Cell = std::is_empty_v<C> && requires { typename C::template states<Shape<1>>; };

namespace detail {

template <class S> constexpr Dims dims_of_step() {
  Dims d;
  for (std::size_t i = 1; i < S::rank; ++i) d.push(S::dims[i]);
  return d;
}
/// A sequence [T, ..] is made of T steps [..].
template <class S> using StepShape = ShapeFrom<dims_of_step<S>()>;

template <std::size_t n, class S> constexpr Dims dims_of_sequence() {
  Dims d;
  d.push(n);
  for (std::size_t i = 0; i < S::rank; ++i) d.push(S::dims[i]);
  return d;
}
template <std::size_t n, class S> using SequenceShape = ShapeFrom<dims_of_sequence<n, S>()>;

template <class C, class S> using StatesOf = typename C::template states<S>;

template <class C, class S, class States> struct cell_formula;
template <class C, class S, class... H> struct cell_formula<C, S, Shapes<H...>> {
  template <std::size_t... i>
  static auto make(std::index_sequence<i...>)
      -> decltype(C::formula(Argument<0, S>{}, Argument<i + 1, H>{}...));
  using type = decltype(make(std::index_sequence_for<H...>{}));
};
/// What a cell gives for steps of shape S.
template <class C, class S> using CellFormula = typename cell_formula<C, S, StatesOf<C, S>>::type;

template <class Formula> struct cell_results {
  using type = Shapes<ShapeOf<Formula>>;
};
template <class... E> struct cell_results<Outputs<E...>> {
  using type = Shapes<ShapeOf<E>...>;
};
/// What a step results in: its output, then its states.
template <class C, class S> using CellResults = typename cell_results<CellFormula<C, S>>::type;
template <class C, class S> using CellOutput = boost::mp11::mp_front<CellResults<C, S>>;

/// What a step has to result in.
template <class C, class S>
using WantedResults = boost::mp11::mp_push_front<StatesOf<C, S>, CellOutput<C, S>>;
template <class C, class S>
inline constexpr bool keeps_states = std::is_same_v<CellResults<C, S>, WantedResults<C, S>>;

}  // namespace detail

namespace detail {

// Whether a formula is the same in training and inference and for every sample, draws nothing and
// renews nothing, so that it can be run step by step.
template <class E> inline constexpr bool steps_alone = true;
template <class T, class I> inline constexpr bool steps_alone<ByPhase<T, I>> = false;
template <class Y, class B, class V> inline constexpr bool steps_alone<Renewed<Y, B, V>> = false;
template <class S, std::size_t n> inline constexpr bool steps_alone<Uniform01<S, n>> = false;
template <> inline constexpr bool steps_alone<SampleWeight> = false;

template <class Y> inline constexpr bool steps_alone<Frozen<Y>> = steps_alone<Y>;
template <class... E>
inline constexpr bool steps_alone<Outputs<E...>> = (steps_alone<E> && ...);
template <Op op, Attributes attributes, class S, class... Args>
inline constexpr bool steps_alone<Node<op, attributes, S, Args...>> =
    !attributes.over_batch && (steps_alone<Args> && ...);

template <class Layer, class... S> constexpr bool layer_steps_alone() {
  return []<std::size_t... i>(std::index_sequence<i...>) {
    return steps_alone<decltype(Layer::formula(Argument<i, S>{}...))>;
  }(std::index_sequence_for<S...>{});
}
template <FixedString key, class Layer, class... Args>
inline constexpr bool steps_alone<Call<key, Layer, Args...>> =
    (steps_alone<Args> && ...) && layer_steps_alone<Layer, ShapeOf<Args>...>();

template <class S> constexpr bool layers_step_alone() { return true; }
template <class S, class First, class... Rest> constexpr bool layers_step_alone() {
  return layer_steps_alone<First, S>() && layers_step_alone<ResultShape<First, S>, Rest...>();
}
template <class X, class... Layers>
inline constexpr bool steps_alone<Piped<X, Layers...>> =
    steps_alone<X> && layers_step_alone<ShapeOf<X>, Layers...>();

}  // namespace detail

/// How a cell runs along a sequence.
struct ScanOptions {
  bool reverse = false;        ///< from the last step to the first
  std::size_t truncation = 0;  ///< gradients go back so many steps at most: every so many steps
                               ///< states are detached. 0: never
};

/// The results of a cell for one step after the other of X [T, ..]. `suffix` is added to the names
/// of the parameters.
template <class C, FixedString suffix, ScanOptions options, class X> struct Scan : Expression {
  using step = detail::StepShape<ShapeOf<X>>;
  static_assert(detail::keeps_states<C, step>,
                "etch: a cell returns outputs(y, states...), each state as it was");
  using shape = detail::SequenceShape<ShapeOf<X>::dims[0], detail::CellOutput<C, step>>;
};

template <class C, FixedString suffix, ScanOptions options, class X>
inline constexpr bool detail::steps_alone<Scan<C, suffix, options, X>> =
    steps_alone<X> && steps_alone<CellFormula<C, StepShape<ShapeOf<X>>>>;

template <class C, FixedString suffix = "", ScanOptions options = ScanOptions{}, Expr X>
constexpr auto scan(X) {
  return Scan<C, suffix, options, X>{};
}

}  // namespace etch
