// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "etch/layers/recurrent.hpp"
#include "etch/tape/lower.hpp"

// Networks whose layers cannot be compiled one by one: with several inputs or outputs, with taps,
// with layers that share their weights. Such a network is one block, from one row of numbers to
// another.

namespace etch {

/// An output of a network: its name, and where it lies among the numbers of a sample.
struct OutputPart {
  Name name{};
  Dims shape{};
  std::size_t offset = 0;
};

namespace detail {

/// What lies in memory for one sample.
template <class S> struct row_of_shape {
  using type = S;
};
template <class... S> struct row_of_shape<Shapes<S...>> {
  using type = Shape<Shapes<S...>::size>;
};
template <class S> using RowOf = typename row_of_shape<S>::type;

/// Asked once for layers that stand in a network many times.
struct LayerFacts {
  bool joins = true;    ///< only elementwise ops, or renamed axes: it joins the block before it
  bool across = false;  ///< names that reach beyond it
};

template <class L, class... S> constexpr LayerFacts facts_of_layer() {
  if constexpr (MadeOfRecurrences<L>) {
    return {.joins = false};
  } else {
    const Tape tape = lower<L, S...>();
    LayerFacts facts{.across = tape.origin.across};
    for (const Instruction& i : tape.code) {
      const OpKind kind = info(i.op).kind;
      const bool free = only_renames(i.op) || i.op == Op::broadcast;
      if (kind == OpKind::heavy || (kind == OpKind::movement && !free)) facts.joins = false;
    }
    return facts;
  }
}
template <class L, class S> inline constexpr LayerFacts layer_facts = facts_of_layer<L, S>();
template <class L, class... S>
inline constexpr LayerFacts layer_facts<L, Shapes<S...>> = facts_of_layer<L, S...>();

template <class S, class... Layers> struct any_across {
  static constexpr bool value = false;
};
template <class S, class First, class... Rest> struct any_across<S, First, Rest...> {
  static constexpr bool value =
      layer_facts<First, S>.across || any_across<ResultShape<First, S>, Rest...>::value;
};

template <class In, class... Layers> constexpr bool is_whole() {
  using S = typename In::sample;
  if constexpr (are_shapes<S> || are_shapes<typename piped_shape<S, Layers...>::type>) return true;
  else return any_across<S, Layers...>::value;
}

/// The layers between the values of several inputs and those of several outputs.
template <class In, class... Layers> struct Between {
  template <Expr X> static constexpr auto formula(X x) {
    using S = typename In::sample;
    if constexpr (are_shapes<S>) return piped(x, S{}, std::make_index_sequence<S::count>{});
    else return row(Piped<X, Layers...>{});
  }

 private:
  template <Expr X, class... S, std::size_t... k>
  static constexpr auto piped(X x, Shapes<S...>, std::index_sequence<k...>) {
    constexpr std::array<std::size_t, sizeof...(S)> size = {S::size...};
    constexpr auto start = [=](std::size_t i) {
      std::size_t at = 0;
      for (std::size_t j = 0; j < i; ++j) at += size[j];
      return at;
    };
    using Parts = Values<decltype(reshape<S>(slice<0, start(k), start(k) + size[k]>(x)))...>;
    return row(Piped<Parts, Layers...>{});
  }

  template <Expr Y> static constexpr auto row(Y y) {
    if constexpr (are_shapes<ShapeOf<Y>>) {
      return std::apply([](auto... part) { return concat<0>(flatten(part)...); }, results_of(y));
    } else {
      return y;
    }
  }
};

template <class In, class... Layers> constexpr std::vector<OutputPart> parts_of_output() {
  std::vector<OutputPart> parts;
  std::size_t offset = 0;
  const auto add = [&](const Name& name, const Dims& shape) {
    parts.push_back({name, shape, offset});
    offset += shape.size();
  };
  using Y = typename piped_shape<typename In::sample, Layers...>::type;
  if constexpr (are_shapes<Y>) {
    [&]<class... S>(Shapes<S...>) {
      (add(position_name(parts.size()), S::dims), ...);
    }(Y{});
  } else {
    add(position_name(0), Y::dims);
  }
  std::vector<Tap> taps;
  const Tape tape = lower<Between<In, Layers...>, RowOf<typename In::sample>>(
      1, Phase::inference, {}, &taps);
  for (const Tap& tap : taps) add(tap.name, tape[tap.value].shape);
  return parts;
}

/// Kept with room for so many.
template <class In, class... Layers>
inline constexpr auto output_parts = [] {
  constexpr std::size_t count = parts_of_output<In, Layers...>().size();
  std::array<OutputPart, count> result{};
  copy_all(parts_of_output<In, Layers...>(), result);
  return result;
}();

/// The whole network as one layer.
template <class In, class... Layers> struct Whole {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr auto& parts = output_parts<In, Layers...>;
    const auto y = Between<In, Layers...>::formula(x);
    constexpr std::size_t size = parts.back().offset + parts.back().shape.size();
    if constexpr (ShapeOf<decltype(y)>::size == size) return y;
    else return Collected<std::remove_const_t<decltype(y)>, Shape<size>>{};
  }
};

template <bool whole, class In, class... Layers> struct result_of_network {
  using type = typename piped_shape<typename In::sample, Layers...>::type;
};
template <class In, class... Layers> struct result_of_network<true, In, Layers...> {
  using type = ResultShape<Whole<In, Layers...>, RowOf<typename In::sample>>;
};

}  // namespace detail
}  // namespace etch
