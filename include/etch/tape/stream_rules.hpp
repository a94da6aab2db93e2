// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <vector>

#include "etch/tape/stream_writer.hpp"

// What an op that does not look along time becomes on the tape of a stream.

namespace etch::detail {

/// The rules of ops whose steps do not see each other, and what stands beside them: values that are
/// known beforehand, and earlier ones that have to wait.
class StreamRules : protected StreamWriter {
 protected:
  constexpr StreamRules(const Tape& tape, std::size_t n)
      : StreamWriter(n), from_(tape), moving_(tape.size()), fixed_(tape.size(), -1) {
    stream_.tape.parameters = tape.parameters;
  }

  /// What stands in attention where a later step would be looked at: anything, or a number.
  enum class Later { anything, minus_infinity, zero };

  /// A value that changes with time.
  struct Moving {
    int axis = nowhere;  ///< of time, on the tape of the sequence; nowhere: it does not change
    int key = nowhere;   ///< attention: the axis of those that are looked at
    Later later = Later::anything;
    long back = 0, ahead = 0;
    int value = -1;      ///< on the tape of the stream, time in front
  };

  constexpr Moving& moving(int i) { return moving_[static_cast<std::size_t>(i)]; }
  constexpr void fail() { stream_.ok = false; }

  constexpr std::size_t key_rows(const Instruction& i, int key) const {
    return i.shape[static_cast<std::size_t>(key)];
  }

  /// The axis of the result along an axis of argument k.
  constexpr int result_axis(const Instruction& i, std::size_t k, int axis) const {
    for (int r = 0; r < static_cast<int>(i.shape.rank); ++r) {
      if (axis_of_argument(from_, i, k, r) == axis) return r;
    }
    return nowhere;
  }

  /// What does not change with time, as it is.
  constexpr int fixed(int id) {
    int& known = fixed_[static_cast<std::size_t>(id)];
    if (known >= 0) return known;
    Instruction i = from_[id];
    for (int& arg : i.args) arg = arg < 0 ? arg : fixed(arg);
    return fixed_[static_cast<std::size_t>(id)] = stream_.tape.push(i);
  }

  /// Argument k with time along an axis of its own, as late as `ahead` says.
  constexpr int argument(const Instruction& i, std::size_t k, int axis, int key, long ahead) {
    const int arg = i.args[k];
    const Moving& x = moving(arg);
    if (x.axis < 0) return unmoving(arg, axis, key, ahead);
    if (x.axis != axis || x.key != key) fail();
    return in_time(x, ahead).id;
  }

  /// The rows of something that is known beforehand: they move past as time goes on.
  constexpr int unmoving(int id, int axis, int key, long ahead) {
    const Instruction& i = from_[id];
    const auto at = static_cast<std::size_t>(axis);
    const Dims shape = time_first(i.shape, at, n_);
    if (i.op == Op::constant) return broadcast(value(fixed(id)), shape).id;
    const bool by_key = key >= 0 && varies(from_, id, key);
    if (!varies(from_, id, axis) && !by_key) {
      const Value all = to_front(value(fixed(id)), at);
      if (all.shape()[0] == n_) return all.id;
      return slice(all, {.axis = 0, .start = 0, .step = 1}, n_).id;
    }
    if (i.op == Op::iota) return index_along(i, axis, key, ahead, shape);
    const bool known = i.op == Op::parameter || i.op == Op::table;
    if (known && !by_key) return rows_of(id, at, ahead, shape);
    if (info(i.op).kind == OpKind::leaf) return fail(), fixed(id);
    return rule(i, axis, key, ahead);
  }

  /// position - ahead + 0, 1, 2, ... along time, or that of the rows of a window.
  constexpr int index_along(const Instruction& i, int axis, int key, long ahead,
                            const Dims& shape) {
    if (static_cast<int>(i.attr.axis) == axis) return on_axis(step_index(ahead), 0, shape).id;
    const std::size_t rows = key_rows(i, key);
    const long first = static_cast<long>(rows - n_) + ahead;
    const Value index = index_from(rows, first);
    return on_axis(index, behind_time(static_cast<std::size_t>(key),
                                      static_cast<std::size_t>(axis)), shape).id;
  }

  constexpr int rows_of(int id, std::size_t axis, long ahead, const Dims& shape) {
    const Value table = to_front(value(fixed(id)), axis);
    const std::size_t rows = table.shape()[0];
    const Value flat = reshape(table, Dims{2, {rows, table.shape().size() / rows}});
    const Value index = step_index(ahead);
    const Dims found = embedding_dims(flat.shape(), index.shape());
    return reshape(emit(stream_.tape, Op::embedding, found, {flat.id, index.id, -1}), shape).id;
  }

  /// The instruction with time in front.
  constexpr int rule(const Instruction& i, int axis, int key, long ahead) {
    const auto at = static_cast<std::size_t>(axis);
    const Dims shape = time_first(i.shape, at, n_);
    const auto arg = [&](std::size_t k) {
      return argument(i, k, axis_of_argument(from_, i, k, axis),
                      axis_of_argument(from_, i, k, key), ahead);
    };
    Attributes attr = i.attr;
    if (info(i.op).kind == OpKind::elementwise) {
      std::array<int, 3> args = {-1, -1, -1};
      for (std::size_t k = 0; k < info(i.op).arity; ++k) args[k] = arg(k);
      return emit(stream_.tape, i.op, shape, args, attr).id;
    }
    const int from_axis = axis_of_argument(from_, i, i.op == Op::embedding ? 1 : 0, axis);
    if (from_axis < 0 && i.op != Op::broadcast) return fail(), -1;
    switch (i.op) {
      case Op::reshape: return reshape(value(arg(0)), shape).id;
      case Op::detach: return detach(value(arg(0))).id;
      case Op::permute: {
        const auto time = static_cast<std::size_t>(from_axis);
        attr.order[0] = 0;
        for (std::size_t k = 0; k < i.shape.rank; ++k) {
          if (k != at) attr.order[behind_time(k, at)] = behind_time(i.attr.order[k], time);
        }
        return permute(value(arg(0)), attr).id;
      }
      case Op::broadcast: return stretch(i, axis, key, ahead, shape);
      case Op::slice: case Op::pad: case Op::concat: {
        attr.axis = behind_time(i.attr.axis, at);
        if (i.attr.axis == at || static_cast<int>(i.attr.axis) == key) fail();
        const int first = arg(0), second = i.op == Op::concat ? arg(1) : -1;
        return emit(stream_.tape, i.op, shape, {first, second, -1}, attr).id;
      }
      case Op::embedding:
        if (moving(i.args[0]).axis >= 0) fail();
        return emit(stream_.tape, i.op, shape, {fixed(i.args[0]), arg(1), -1}).id;
      case Op::sum: case Op::max_reduce: {
        const std::size_t rank = from_[i.args[0]].shape.rank;
        attr.axes = 0;
        for (std::size_t k = 0; k < rank; ++k) {
          if ((i.attr.axes >> k & 1) == 0) continue;
          attr.axes |= std::size_t{1} << behind_time(k, static_cast<std::size_t>(from_axis));
        }
        return emit(stream_.tape, i.op, shape, {arg(0), -1, -1}, attr).id;
      }
      case Op::softmax: case Op::log_softmax: {
        const int last = static_cast<int>(i.shape.rank) - 1;
        if (axis == last) fail();
        const int x = arg(0);
        return emit(stream_.tape, i.op, shape,
                    {key == last ? only_known_rows(i, x, axis, key, ahead) : x, -1, -1}).id;
      }
      default: return fail(), -1;
    }
  }

  constexpr int stretch(const Instruction& i, int axis, int key, long ahead, const Dims& shape) {
    const int from_axis = axis_of_argument(from_, i, 0, axis);
    const int from_key = axis_of_argument(from_, i, 0, key);
    if (from_axis >= 0) {
      const Value x = value(argument(i, 0, from_axis, from_key, ahead));
      Dims d = x.shape();
      d.rank = i.shape.rank;
      const std::size_t more = i.shape.rank - x.shape().rank;
      for (std::size_t k = 1; k < d.rank; ++k) d.extent[k] = k <= more ? 1 : x.shape()[k - more];
      return broadcast(reshape(x, d), shape).id;
    }
    // Along time it is the same: what is behind time stays where it is.
    const Instruction& x = from_[i.args[0]];
    const int missing = static_cast<int>(i.shape.rank - x.shape.rank);
    if (moving(i.args[0]).axis >= 0) return fail(), -1;
    const auto row = axis < missing ? x.shape.rank : static_cast<std::size_t>(axis - missing);
    Dims d;
    for (std::size_t k = 0; k < i.shape.rank; ++k) d.push(1);
    if (from_key >= 0 && varies(from_, i.args[0], from_key)) {
      if (!counts(from_, i.args[0], from_key)) return fail(), -1;
      return index_along({.op = Op::iota, .shape = i.shape,
                          .attr = {.axis = static_cast<std::size_t>(key)}},
                         axis, key, ahead, shape);
    }
    for (std::size_t k = 0; k < x.shape.rank; ++k) {
      if (k != row) {
        d.extent[behind_time(k + static_cast<std::size_t>(missing),
                             static_cast<std::size_t>(axis))] = x.shape[k];
      }
    }
    return broadcast(reshape(value(fixed(i.args[0])), d), shape).id;
  }

  /// As late as `ahead` says. Of a block with the steps before it, keys would not be the same.
  constexpr Value in_time(const Moving& x, long ahead) {
    if (x.ahead == ahead) return value(x.value);
    if (x.key >= 0 && n_ > 1) fail();
    const auto steps = static_cast<std::size_t>(ahead - x.ahead);
    return slice(window(value(x.value), steps), {.axis = 0, .start = 0, .step = 1}, n_);
  }

  /// Scores of rows that were there before the first step do not count (but for who looks then,
  /// so that a softmax is never empty).
  constexpr int only_known_rows(const Instruction& i, int scores, int axis, int key, long ahead) {
    const Dims shape = value(scores).shape();
    const Instruction count{.op = Op::iota, .shape = i.shape,
                            .attr = {.axis = static_cast<std::size_t>(key)}};
    const Value index = value(index_along(count, axis, key, ahead, shape));
    const Value closed = number(index, -std::numeric_limits<double>::infinity());
    const Value zero = number(index, 0);
    const Value first =
        ahead > 0 ? elementwise(Op::min, on_axis(step_index(ahead), 0, shape), zero) : zero;
    return where(index < first, closed, value(scores)).id;
  }

  const Tape& from_;  ///< of the sequence

 private:
  std::vector<Moving> moving_;
  Table<int> fixed_;
};

}  // namespace etch::detail
