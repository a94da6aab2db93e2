// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "etch/expr/node.hpp"
#include "etch/tape/value.hpp"

// From types to values: walks a formula and writes it on a tape.

namespace etch {

namespace detail {

/// Its address tells one type from another inside a constant expression.
template <class T> inline constexpr char type_key = 0;

/// What lowering one formula remembers: where its arguments stand, and each node type already met,
/// for a formula that mentions x twice is a tree of types in which x stands twice.
struct Lowering {
  Tape& tape;
  Name scope;
  std::vector<int> arguments;
  std::vector<std::pair<const void*, int>> met = {};
};

template <class E> struct lower_node;

template <class E> constexpr int lower_expression(Lowering& context) {
  const void* key = &type_key<E>;
  for (const auto& [type, place] : context.met) {
    if (type == key) return place;
  }
  const int place = lower_node<E>::run(context);
  context.met.emplace_back(key, place);
  return place;
}

template <std::size_t index, class S> struct lower_node<Argument<index, S>> {
  static constexpr int run(Lowering& context) { return context.arguments[index]; }
};

template <double number> struct lower_node<Constant<number>> {
  static constexpr int run(Lowering& context) {
    return context.tape.push({.op = Op::constant, .value = number});
  }
};

template <std::size_t n> struct lower_node<Iota<n>> {
  static constexpr int run(Lowering& context) {
    return context.tape.push({.op = Op::iota, .shape = Shape<n>::dims});
  }
};

template <FixedString name, class S, class Initializer>
struct lower_node<Parameter<name, S, Initializer>> {
  static constexpr int run(Lowering& context) {
    Tape& tape = context.tape;
    const Attributes attr{.index = tape.parameters.size()};
    tape.parameters.push_back({.name = context.scope / name.view(),
                               .shape = S::dims,
                               .init = Initializer::template value<S>});
    return tape.push({.op = Op::parameter, .shape = S::dims, .attr = attr});
  }
};

template <Op op, Attributes attributes, class S, class... Args>
struct lower_node<Node<op, attributes, S, Args...>> {
  static constexpr int run(Lowering& context) {
    Tape& tape = context.tape;
    const Value args[] = {{&tape, lower_expression<Args>(context)}...};
    if constexpr (op == Op::broadcast) return broadcast(args[0], S::dims).id;
    else if constexpr (op == Op::reshape) return reshape(args[0], S::dims).id;
    else if constexpr (op == Op::matmul) return matmul(args[0], args[1]).id;
    else {
      std::array<int, 3> ids = {-1, -1, -1};
      for (std::size_t i = 0; i < sizeof...(Args); ++i) ids[i] = args[i].id;
      return emit(tape, op, S::dims, ids, attributes).id;
    }
  }
};

/// The formula is asked for with plain arguments, so that equal layers at different places of a
/// network are one type and one instantiation.
template <class Layer, class... Shapes>
constexpr int lower_layer(Tape& tape, const Name& scope, const std::vector<int>& arguments) {
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    using Formula = decltype(Layer::formula(Argument<i, Shapes>{}...));
    Lowering inner{tape, scope, arguments};
    return lower_expression<Formula>(inner);
  }(std::index_sequence_for<Shapes...>{});
}

template <FixedString key, class Layer, class... Args>
struct lower_node<Call<key, Layer, Args...>> {
  static constexpr int run(Lowering& context) {
    const std::vector<int> arguments = {lower_expression<Args>(context)...};
    return lower_layer<Layer, ShapeOf<Args>...>(context.tape, context.scope / key.view(),
                                                arguments);
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

template <class X, class... Layers> struct lower_node<Piped<X, Layers...>> {
  static constexpr int run(Lowering& context) {
    return walk<0, ShapeOf<X>, Layers...>(context, lower_expression<X>(context));
  }

  template <std::size_t position, class S> static constexpr int walk(Lowering&, int x) {
    return x;
  }
  template <std::size_t position, class S, class First, class... Rest>
  static constexpr int walk(Lowering& context, int x) {
    const Name scope = context.scope / position_name(position).view();
    const int y = lower_layer<First, S>(context.tape, scope, {x});
    return walk<position + 1, ResultShape<First, S>, Rest...>(context, y);
  }
};

template <class E> struct lower_outputs {
  static constexpr std::vector<int> run(Lowering& context) {
    return {lower_expression<E>(context)};
  }
};
template <class... E> struct lower_outputs<Outputs<E...>> {
  static constexpr std::vector<int> run(Lowering& context) {
    return {lower_expression<E>(context)...};
  }
};

}  // namespace detail

/// Writes the formula of `Layer`, applied to batched inputs of the given shapes, on a new tape; its
/// outputs are what the formula returns: one expression, or outputs(...). Parameter names start at
/// the layer: "weight", or "0.weight" inside a sequence.
template <class Layer, class... Inputs> constexpr Tape lower(std::size_t batch = 1) {
  Tape tape{.batch = batch};
  tape.code.reserve(16);  // most formulas are short, and growing is dear in the compiler
  std::vector<int> arguments;
  const auto add_input = [&](const Dims& shape) {
    const Attributes attr{.index = arguments.size()};
    arguments.push_back(
        tape.push({.op = Op::input, .batched = true, .shape = shape, .attr = attr}));
  };
  (add_input(Inputs::dims), ...);
  tape.outputs = [&]<std::size_t... i>(std::index_sequence<i...>) {
    using Formula = decltype(Layer::formula(Argument<i, Inputs>{}...));
    detail::Lowering context{tape, {}, arguments};
    return detail::lower_outputs<Formula>::run(context);
  }(std::index_sequence_for<Inputs...>{});
  for (int& output : tape.outputs) output = detail::for_each_sample({&tape, output}).id;
  return tape;
}

}  // namespace etch
