// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "etch/expr/node.hpp"
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
    constexpr Init init = Initializer::template value<S>;
    const bool frozen = context.frozen && role == Role::trained;
    // What begins as a constant scales or shifts, whatever its shape: norms.
    const bool may_be_small =
        S::rank > 1 && init.kind != Init::Kind::constant && role == Role::trained;
    Name full = context.scope / name.view();
    full.append(context.suffix.view());
    const Attributes attr{.index = row_of(context, {.name = full,
                                                    .shape = S::dims,
                                                    .init = init,
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

}  // namespace detail
}  // namespace etch
