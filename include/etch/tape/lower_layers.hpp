// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "etch/expr/node.hpp"
#include "etch/expr/recurrence.hpp"
#include "etch/tape/lowering.hpp"

// From types to values: layers within formulas, one after the other, with names of their own, or
// step by step.

namespace etch {

namespace detail {

constexpr Lowering inside(const Lowering& context, const Name& scope,
                          const std::vector<int>& arguments) {
  return {context.tape, scope,           arguments,      context.phase, context.frozen,
          context.type, context.renewed, context.suffix, context.taps};
}

template <class E> constexpr std::vector<int> lower_values(Lowering& context);

/// The formula is asked for with plain arguments, so that equal layers at different places of a
/// network are one type and one instantiation.
template <class Layer, class... S> struct lower_layer {
  static constexpr std::vector<int> run(const Lowering& context, const Name& scope,
                                        const std::vector<int>& arguments) {
    return [&]<std::size_t... k>(std::index_sequence<k...>) {
      using Formula = decltype(Layer::formula(Argument<k, S>{}...));
      Lowering inner = inside(context, scope, arguments);
      return lower_values<Formula>(inner);
    }(std::index_sequence_for<S...>{});
  }
};
template <class Layer, class... S>
struct lower_layer<Layer, Shapes<S...>> : lower_layer<Layer, S...> {};

/// What has one value or several: `all` of them.
template <class E> struct lower_several {
  static constexpr std::vector<int> all(Lowering& context) {
    return {lower_expression<E>(context)};
  }
};
template <class... E> struct lower_several<Outputs<E...>> {
  static constexpr std::vector<int> all(Lowering& context) {
    return {lower_expression<E>(context)...};
  }
};
template <class... E> struct lower_several<Values<E...>> : lower_several<Outputs<E...>> {};

template <class E> constexpr std::vector<int> lower_values(Lowering& context) {
  return lower_several<E>::all(context);
}

template <std::size_t k, class E> struct lower_node<ResultOf<k, E>> {
  static constexpr int run(Lowering& context) {
    const std::vector<int> all = lower_values<E>(context);
    [&]<std::size_t... j>(std::index_sequence<j...>) {
      (context.met.push_back({&type_key<ResultOf<j, E>>, all[j]}), ...);
    }(std::make_index_sequence<ShapeOf<E>::count>{});
    return all[k];
  }
};

template <FixedString key, class Layer, class... Args>
struct lower_several<Call<key, Layer, Args...>> {
  static constexpr std::vector<int> all(Lowering& context) {
    const std::vector<int> arguments = {lower_expression<Args>(context)...};
    return lower_layer<Layer, ShapeOf<Args>...>::run(context, context.scope / key.view(),
                                                     arguments);
  }
};
template <FixedString key, class Layer, class... Args>
struct lower_node<Call<key, Layer, Args...>> {
  static constexpr int run(Lowering& context) {
    return lower_values<Call<key, Layer, Args...>>(context)[0];
  }
};

template <FixedString name, class Layer, class... Args>
struct lower_several<Shared<name, Layer, Args...>> {
  static constexpr std::vector<int> all(Lowering& context) {
    context.tape.origin.across = true;
    const std::vector<int> arguments = {lower_expression<Args>(context)...};
    return lower_layer<Layer, ShapeOf<Args>...>::run(context, Name(name.view()), arguments);
  }
};
template <FixedString name, class Layer, class... Args>
struct lower_node<Shared<name, Layer, Args...>> {
  static constexpr int run(Lowering& context) {
    return lower_values<Shared<name, Layer, Args...>>(context)[0];
  }
};

template <FixedString name, class X> struct lower_node<Tapped<name, X>> {
  static constexpr int run(Lowering& context) {
    context.tape.origin.across = true;
    const int x = lower_expression<X>(context);
    if (context.taps != nullptr) {
      const Name full(name.view());
      for (const Tap& tap : *context.taps) {
        if (tap.name == full) context.tape.origin.ambiguous = true;
      }
      context.taps->push_back({full, x});
    }
    return x;
  }
};

/// "0", "1", ... : the names of positions.
constexpr Name position_name(std::size_t position) {
  Name digits, name;
  do {
    digits.text[digits.length++] = static_cast<char>('0' + position % 10);
    position /= 10;
  } while (position != 0);
  while (digits.length != 0) name.text[name.length++] = digits.text[--digits.length];
  return name;
}

template <class Y, class S> struct lower_node<Collected<Y, S>> {
  static constexpr int run(Lowering& context) {
    std::vector<Tap> found;
    std::vector<Tap>* const outside = std::exchange(context.taps, &found);
    const auto flat = [&](int id) {
      const Value x = for_each_sample({&context.tape, id});
      return reshape(x, Dims{1, {x.shape().size()}});
    };
    Value all = flat(lower_expression<Y>(context));
    context.taps = outside;
    for (const Tap& tap : found) {
      const Value next = flat(tap.value);
      const Dims shape{1, {all.shape()[0] + next.shape()[0]}};
      all = emit(context.tape, Op::concat, shape, {all.id, next.id, -1}, {.axis = 0});
      if (outside != nullptr) outside->push_back(tap);
    }
    return all.id;
  }
};

template <class X, class... Layers> struct lower_several<Piped<X, Layers...>> {
  static constexpr std::vector<int> all(Lowering& context) {
    return walk<0, ShapeOf<X>, Layers...>(context, lower_values<X>(context));
  }

  template <std::size_t position, class S>
  static constexpr std::vector<int> walk(Lowering&, const std::vector<int>& x) {
    return x;
  }
  template <std::size_t position, class S, class First, class... Rest>
  static constexpr std::vector<int> walk(Lowering& context, const std::vector<int>& x) {
    const Name scope = context.scope / position_name(position).view();
    const std::vector<int> y = lower_layer<First, S>::run(context, scope, x);
    return walk<position + 1, ResultShape<First, S>, Rest...>(context, y);
  }
};
template <class X, class... Layers> struct lower_node<Piped<X, Layers...>> {
  static constexpr int run(Lowering& context) {
    return lower_values<Piped<X, Layers...>>(context)[0];
  }
};

template <class States> struct zero_states;
template <class... H> struct zero_states<Shapes<H...>> {
  static constexpr std::vector<int> on(Tape& tape) {
    return {tape.push({.op = Op::constant, .shape = H::dims})...};
  }
};

/// Written out step by step: what a scan means, and how it is done inside of other formulas.
template <class C, FixedString suffix, ScanOptions options, class X>
struct lower_node<Scan<C, suffix, options, X>> {
  static constexpr int run(Lowering& context) {
    using E = Scan<C, suffix, options, X>;
    using Step = typename E::step;
    constexpr std::size_t steps = ShapeOf<X>::dims[0];
    const Value x{&context.tape, lower_expression<X>(context)};
    std::vector<int> results = zero_states<StatesOf<C, Step>>::on(context.tape);
    results.insert(results.begin(), -1);
    const std::size_t count = results.size();
    Table<int> y(steps, -1);
    for (std::size_t k = 0; k < steps; ++k) {
      const std::size_t t = options.reverse ? steps - 1 - k : k;
      if constexpr (options.truncation != 0) {
        const bool cut = k != 0 && k % options.truncation == 0;
        for (int& state : results) state = cut ? detach({x.tape, state}).id : state;
      }
      const Value x_t = slice(x, {.axis = 0, .start = t, .step = 1}, 1);
      results[0] = reshape(x_t, Step::dims).id;
      Lowering inner = inside(context, context.scope, results);
      inner.suffix.append(suffix.view());
      results = lower_values<CellFormula<C, Step>>(inner);
      results.resize(count, results[0]);  // a cell that forgets states was reported
      y[t] = reshape({x.tape, results[0]}, dims_of_sequence<1, CellOutput<C, Step>>()).id;
    }
    int all = y[0];
    for (std::size_t t = 1; t < steps; ++t) {
      Dims shape = ShapeOf<E>::dims;
      shape.extent[0] = t + 1;
      all = emit(context.tape, Op::concat, shape, {all, y[t], -1}, {.axis = 0}).id;
    }
    return all;
  }
};

}  // namespace detail
}  // namespace etch
