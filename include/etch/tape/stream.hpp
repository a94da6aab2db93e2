// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "etch/tape/passes.hpp"
#include "etch/tape/stream_rules.hpp"

// From a tape for a whole sequence to one for the next n steps of it. What an op needs of earlier
// steps comes from windows: tensors [L, width] that hold the last rows of a value, and to which
// the new ones are appended. Time runs slowest in everything.

namespace etch {

namespace detail {

/// Writes the stream of a tape with time along one axis of its input: finds out what changes with
/// time, and treats the ops that look along it.
class Streamer : StreamRules {
 public:
  constexpr Streamer(const Tape& tape, std::size_t axis, std::size_t n, long late)
      : StreamRules(tape, n), time_(static_cast<int>(axis)), late_(late) {}

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
    if (turns_kernel(from_, i)) {
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

  int time_;
  long late_;
};

}  // namespace detail

/// The next n steps of a tape with one input, in which time is along `axis`, and which comes so
/// many steps late.
constexpr Stream streamed(const Tape& tape, std::size_t axis, std::size_t n, long late = 0) {
  return detail::Streamer(tape, axis, n, late).run();
}

}  // namespace etch
