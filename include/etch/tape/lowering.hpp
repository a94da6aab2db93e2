// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "etch/expr/node.hpp"
#include "etch/expr/recurrence.hpp"
#include "etch/tape/value.hpp"

// From types to values, node by node: what each kind of expression writes on a tape.

namespace etch {

/// What a tape is for. `training`: its formula for batches whose statistics count, and after y the
/// new values of the buffers, in the order of the table.
enum class Phase : unsigned char { inference, training };

/// The places that inputs have on the tapes of training: see joint_tape.
enum TrainingInput : std::size_t { of_x, of_gradient, of_y, of_weight, of_keys, first_kept_input };

namespace detail {

/// Its address tells one type from another inside a constant expression.
template <class T> inline constexpr char type_key = 0;

/// A value that a network puts out under a name.
struct Tap {
  Name name;
  int value = -1;
};

/// A node type and where its value stands.
struct Met {
  const void* type = nullptr;
  int place = -1;
};

/// What lowering one formula remembers: where its arguments stand, and each node type already met,
/// for a formula that mentions x twice is a tree of types in which x stands twice.
struct Lowering {
  Tape& tape;
  Name scope;
  std::vector<int> arguments;
  Phase phase = Phase::inference;
  bool frozen = false;
  NumberType type = NumberType::f32;  ///< of matrices and kernels
  Table<int>* renewed = nullptr;  ///< training: by row of the table, the new value
  Name suffix = {};               ///< of the names of parameters
  std::vector<Tap>* taps = nullptr;
  std::vector<Met> met = {};
};

/// The row of a parameter: a name that was met before, the formula being used twice under one key
/// or lowered for training, is the same parameter.
constexpr std::size_t row_of(Lowering& context, const ParameterInfo& info) {
  std::vector<ParameterInfo>& table = context.tape.parameters;
  for (std::size_t row = 0; row < table.size(); ++row) {
    if (!(table[row].name == info.name)) continue;
    const bool same = table[row].shape == info.shape && table[row].role == info.role &&
                      table[row].type == info.type;
    context.tape.origin.ambiguous = context.tape.origin.ambiguous || !same;
    return row;
  }
  table.push_back(info);
  return table.size() - 1;
}

template <class E> struct lower_node;

template <class E> constexpr int lower_expression(Lowering& context) {
  const void* key = &type_key<E>;
  const Met* const met = context.met.data();
  for (std::size_t i = 0, n = context.met.size(); i < n; ++i) {
    if (met[i].type == key) return met[i].place;
  }
  const int place = lower_node<E>::run(context);
  context.met.push_back({key, place});
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

template <const auto& values>
inline constexpr auto table_of_doubles = [] {
  std::array<double, values.size()> result{};
  for (std::size_t i = 0; i < values.size(); ++i) result[i] = static_cast<double>(values[i]);
  return result;
}();
template <const auto& values, class S> struct lower_node<Constants<values, S>> {
  static constexpr int run(Lowering& context) {
    const double* const data = table_of_doubles<values>.data();
    return context.tape.push({.op = Op::table, .shape = S::dims, .table = data});
  }
};

template <FixedString name, class S, class Initializer, Role role>
struct lower_node<Parameter<name, S, Initializer, role>> {
  static constexpr int run(Lowering& context) {
    const bool frozen = context.frozen && role == Role::trained;
    const bool may_be_small = S::rank > 1 && role == Role::trained;
    Name full = context.scope / name.view();
    full.append(context.suffix.view());
    const Attributes attr{.index = row_of(context, {.name = full,
                                                    .shape = S::dims,
                                                    .init = Initializer::template value<S>,
                                                    .role = frozen ? Role::frozen : role,
                                                    .type = may_be_small ? context.type
                                                                         : NumberType::f32})};
    return context.tape.push({.op = Op::parameter, .shape = S::dims, .attr = attr});
  }
};

template <class Y> struct lower_node<Frozen<Y>> {
  static constexpr int run(Lowering& context) {
    const bool outside = std::exchange(context.frozen, true);
    const int y = lower_expression<Y>(context);
    context.frozen = outside;
    return y;
  }
};

template <NumberType type, class Y> struct lower_node<StoredAs<type, Y>> {
  static constexpr int run(Lowering& context) {
    const NumberType outside = std::exchange(context.type, type);
    const int y = lower_expression<Y>(context);
    context.type = outside;
    return y;
  }
};

template <class T, class I> struct lower_node<ByPhase<T, I>> {
  static constexpr int run(Lowering& context) {
    context.tape.origin.by_phase = true;
    if (context.phase == Phase::training) return lower_expression<T>(context);
    return lower_expression<I>(context);
  }
};

template <class Y, class B, class V> struct lower_node<Renewed<Y, B, V>> {
  static constexpr int run(Lowering& context) {
    context.tape.origin.by_phase = true;
    if (context.phase == Phase::training) {
      const int buffer = lower_expression<B>(context);
      const int value = lower_expression<V>(context);
      (*context.renewed)[context.tape[buffer].attr.index] = value;
    } else {
      lower_expression<B>(context);  // gives it its row even if inference does not read it
    }
    return lower_expression<Y>(context);
  }
};

/// Two numbers that the trainer draws for each block and step are the keys.
template <class S, std::size_t number> struct lower_node<Uniform01<S, number>> {
  static constexpr int run(Lowering& context) {
    Tape& tape = context.tape;
    std::size_t stream = 0;
    for (const Instruction& i : tape.code) stream += i.op == Op::random ? 1 : 0;
    const Value keys = {&tape, tape.push({.op = Op::input,
                                          .shape = Shape<2>::dims,
                                          .attr = {.index = TrainingInput::of_keys}})};
    const auto key = [&](std::size_t k) {
      const Value one = slice(keys, {.axis = 0, .start = k, .step = 1}, 1);
      return for_each_sample(broadcast(reshape(one, Dims{}), S::dims)).id;
    };
    return emit(tape, Op::random, S::dims, {key(0), key(1), -1}, {.index = stream}).id;
  }
};

template <> struct lower_node<SampleWeight> {
  static constexpr int run(Lowering& context) {
    return context.tape.push(
        {.op = Op::input, .batched = true, .attr = {.index = TrainingInput::of_weight}});
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
