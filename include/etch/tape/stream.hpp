// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "etch/tape/passes.hpp"
#include "etch/tape/stream_writer.hpp"

// From a tape for a whole sequence to one for the next n steps of it. What an op needs of earlier
// steps comes from windows: tensors [L, width] that hold the last rows of a value, and to which
// the new ones are appended. Time runs slowest in everything.

namespace etch {

namespace detail {

/// Writes the stream of a tape with time along one axis of its input.
class Streamer : StreamWriter {
 public:
  constexpr Streamer(const Tape& tape, std::size_t axis, std::size_t n, long late)
      : StreamWriter(n),
        from_(tape),
        time_(static_cast<int>(axis)),
        late_(late),
        moving_(tape.size()),
        fixed_(tape.size(), -1) {
    stream_.tape.parameters = tape.parameters;
  }

  constexpr Stream run() {
    stream_.ok = true;
    for (std::size_t i = 0; i < from_.size() && stream_.ok; ++i) place(static_cast<int>(i));
    const Moving& y = moving(from_.outputs[0]);
    stream_.ok = stream_.ok && from_.outputs.size() == 1 && y.axis >= 0 && y.key < 0;
    if (!stream_.ok) return {};
    stream_.tape.outputs = {y.value};
    stream_.axis = static_cast<std::size_t>(y.axis);
    stream_.steps = from_[from_.outputs[0]].shape[stream_.axis];
    stream_.back = y.back;
    stream_.ahead = y.ahead - late_;
    stream_.tape = tidied(stream_.tape, true);
    return std::move(stream_);
  }

 private:
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

  constexpr void place(int id) {
    const Instruction& i = from_[id];
    if (i.op == Op::input) {
      if (i.attr.index != 0) return fail();
      const Dims shape = time_first(i.shape, static_cast<std::size_t>(time_), n_);
      Instruction x{.op = Op::input, .batched = true, .shape = shape};
      moving(id) = {.axis = time_, .ahead = late_, .value = stream_.tape.push(x)};
      return;
    }
    Moving result;
    bool any = false;
    for (std::size_t k = 0; k < 3; ++k) {
      if (i.args[k] < 0 || moving(i.args[k]).axis < 0) continue;
      const Moving& x = moving(i.args[k]);
      result.key = x.key >= 0 ? result_axis(i, k, x.key) : result.key;
      if (x.key >= 0 && result.key < 0 && i.op != Op::matmul) return fail();
      result.back = any && result.back > x.back ? result.back : x.back;
      result.ahead = any && result.ahead > x.ahead ? result.ahead : x.ahead;
      if (!any) result.axis = result_axis(i, k, x.axis);
      any = true;
    }
    if (!any) return;
    if (i.op == Op::matmul) return product(id, result);
    if (result.axis < 0) return fail();
    const bool along = (i.op == Op::slice || i.op == Op::pad) &&
                       static_cast<int>(i.attr.axis) == result.axis;
    if (along) return shift(id, result);
    if (i.op == Op::conv2d) return convolve(id, result);
    const bool view = info(i.op).kind == OpKind::movement;
    if (!view && result.ahead < 0) return fail();
    if (result.key >= 0) result.later = later_in(i, result);
    result.value = rule(i, result.axis, result.key, result.ahead);
    moving(id) = result;
  }

  /// The axis of the result along an axis of argument k.
  constexpr int result_axis(const Instruction& i, std::size_t k, int axis) const {
    for (int r = 0; r < static_cast<int>(i.shape.rank); ++r) {
      if (axis_of_argument(from_, i, k, r) == axis) return r;
    }
    return nowhere;
  }

  constexpr Later later_in(const Instruction& i, const Moving& result) {
    const auto is = [&](std::size_t k, Later l) { return moving(i.args[k]).later == l; };
    const auto zero_if = [](bool yes) { return yes ? Later::zero : Later::anything; };
    switch (i.op) {
      case Op::where: {
        const bool open = moving(i.args[0]).axis >= 0 ||
                          !closes_later(i.args[0], result.axis, result.key);
        return open ? Later::anything : as_later(i.args[2]);
      }
      case Op::softmax: {
        const bool over_keys = result.key == static_cast<int>(i.shape.rank) - 1;
        return zero_if(over_keys && is(0, Later::minus_infinity));
      }
      case Op::mul: return zero_if(is(0, Later::zero) || is(1, Later::zero));
      case Op::div: return zero_if(is(0, Later::zero));
      default: return info(i.op).kind == OpKind::movement ? moving(i.args[0]).later
                                                          : Later::anything;
    }
  }

  constexpr Later as_later(int id) const {
    while (info(from_[id].op).kind == OpKind::movement) id = from_[id].args[0];
    if (from_[id].op != Op::constant) return Later::anything;
    if (from_[id].value == 0) return Later::zero;
    const bool closed = from_[id].value == -std::numeric_limits<double>::infinity();
    return closed ? Later::minus_infinity : Later::anything;
  }

  /// Whether a mask is: index of what is looked at <= index of who looks.
  constexpr bool closes_later(int mask, int axis, int key) const {
    const Instruction& i = from_[mask];
    if (i.op == Op::broadcast || only_renames(i.op)) {
      return closes_later(i.args[0], axis_of_argument(from_, i, 0, axis),
                          axis_of_argument(from_, i, 0, key));
    }
    return i.op == Op::less_equal && counts(from_, i.args[0], key) &&
           counts(from_, i.args[1], axis);
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

  /// A slice or padding along time: the same values, earlier or later.
  constexpr void shift(int id, Moving result) {
    const Instruction& i = from_[id];
    const Moving& x = moving(i.args[0]);
    if (i.attr.step != 1 || x.key >= 0 || i.shape[static_cast<std::size_t>(x.axis)] == 1) {
      return fail();
    }
    const auto by = static_cast<long>(i.attr.start);
    const bool later = i.op == Op::pad;
    result.value = later && x.ahead > 0 && by > 0 ? since_start(x.value, x.ahead) : x.value;
    result.back += later ? by : -by;
    result.ahead += later ? -by : by;
    moving(id) = result;
  }

  constexpr void convolve(int id, Moving result) {
    const Instruction& i = from_[id];
    const Moving& x = moving(i.args[0]);
    const auto axis = static_cast<std::size_t>(x.axis);
    const std::size_t t = axis - 1, other = 1 - t;
    const Dims& kernel = from_[i.args[1]].shape;
    if (moving(i.args[1]).axis >= 0 || x.key >= 0 || i.attr.stride[t] != 1) return fail();
    const std::size_t span = (kernel[t + 2] - 1) * i.attr.dilation[t];
    const auto padding = static_cast<long>(i.attr.padding[t]);
    result.back += padding;
    result.ahead += static_cast<long>(span) - padding;
    if (result.ahead < 0) return fail();
    const int known = padding > 0 && x.ahead > 0 ? since_start(x.value, x.ahead) : x.value;
    const Value w = span == 0 ? value(known) : window(value(known), span);
    const bool plain = i.attr.groups == 1 && from_[i.args[0]].shape[other + 1] == 1 &&
                       kernel[other + 2] == 1 && t == 1;
    const Dims shape = time_first(i.shape, axis, n_);
    if (plain) {
      const Value rows = reshape(w, Dims{2, {span + n_, kernel[1]}});
      const Value weight = kernel_by_steps(i.args[1]);
      result.value = reshape(emit(stream_.tape, Op::conv1d, Dims{2, {n_, kernel[0]}},
                                  {rows.id, weight.id, -1}, {.dilation = i.attr.dilation}),
                             shape).id;
    } else {
      Dims all = i.shape;
      all.extent[axis] = n_;
      Attributes attr = i.attr;
      attr.padding[t] = 0;
      const Value y = emit(stream_.tape, Op::conv2d, all,
                           {from_front(w, axis).id, fixed(i.args[1]), -1}, attr);
      result.value = to_front(y, axis).id;
    }
    moving(id) = result;
  }

  /// [O, C, 1, k] -> [C, k, O]; a parameter is stored that way (see with_vector_layout).
  constexpr Value kernel_by_steps(int kernel) {
    const Instruction& i = from_[kernel];
    const Dims shape{3, {i.shape[1], i.shape[3], i.shape[0]}};
    if (i.op == Op::permute && i.attr.order == Array6<std::size_t>{{3, 0, 1}, {2}}) {
      return reshape(value(fixed(i.args[0])), shape);
    }
    return reshape(permute(value(fixed(kernel)), {.order = {{1, 2, 3}, {0}}}), shape);
  }

  /// Products of steps with what is fixed; of steps with the steps before them (attention).
  constexpr void product(int id, Moving result) {
    const Instruction& i = from_[id];
    const Moving& a = moving(i.args[0]);
    const Moving& b = moving(i.args[1]);
    const bool attends = a.axis >= 0 && b.axis >= 0;
    const int rank = static_cast<int>(i.shape.rank);
    Value x[2];
    Dims shape = i.shape;
    if (result.ahead < 0) return fail();
    for (std::size_t k = 0; k < 2; ++k) {
      const Moving& arg = moving(i.args[k]);
      if (arg.axis < 0) {
        x[k] = value(fixed(i.args[k]));
        continue;
      }
      const bool looked_at = attends && k == 1;
      const bool over_time = arg.axis == summed_axis(from_, i, k);
      if (over_time != (looked_at && a.key >= 0)) return fail();
      if (arg.key >= 0 && (k == 1 || !attends)) return fail();
      const auto axis = static_cast<std::size_t>(arg.axis);
      Value now = in_time(arg, result.ahead);
      if (over_time && result.ahead > 0) now = value(since_start(now.id, result.ahead));
      const std::size_t past = from_[i.args[k]].shape[axis] - n_;
      x[k] = from_front(looked_at ? window(now, past) : now, axis);
    }
    if (!attends) {
      if (result.axis < 0) return fail();
    } else {
      result.axis = result_axis(i, 0, a.axis);
      const bool sums_keys = a.key >= 0;
      const bool causal = a.later == Later::zero;
      if (sums_keys && (a.key != summed_axis(from_, i, 0) || !causal)) return fail();
      if (!sums_keys && result_axis(i, 1, b.axis) != rank - 1) return fail();
      if (result.axis != rank - 2) return fail();
      result.key = sums_keys ? nowhere : rank - 1;
      const std::size_t keys = from_[i.args[1]].shape[static_cast<std::size_t>(b.axis)];
      result.back = std::max(a.back, b.back + static_cast<long>(keys) - 1);
    }
    shape.extent[result.axis] = n_;
    const Attributes attr = i.attr;
    const Value y = emit(stream_.tape, Op::matmul, shape, {x[0].id, x[1].id, -1}, attr);
    result.value = to_front(y, static_cast<std::size_t>(result.axis)).id;
    moving(id) = result;
  }

  const Tape& from_;
  int time_;
  long late_;
  std::vector<Moving> moving_;
  Table<int> fixed_;
};

}  // namespace detail

/// The next n steps of a tape with one input, in which time is along `axis`, and which comes so
/// many steps late.
constexpr Stream streamed(const Tape& tape, std::size_t axis, std::size_t n, long late = 0) {
  return detail::Streamer(tape, axis, n, late).run();
}

}  // namespace etch
