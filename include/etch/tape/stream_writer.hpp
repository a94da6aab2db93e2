// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include "etch/tape/time_axis.hpp"

// What the tape of a stream is made of: windows of the past, and the count of steps.

namespace etch {

/// A window: so many rows, the last n of them new.
struct Window {
  std::size_t rows = 0, width = 0;

  constexpr bool operator==(const Window&) const = default;
};

/// The places that inputs have on the tape of a stream: x [n, ..]; how many steps there were
/// before; then the windows.
enum StreamInput : std::size_t { of_steps, of_position, first_window };

/// What a tape is as a stream. Inputs: see StreamInput. Outputs: y [n, ..].
struct Stream {
  Tape tape{};
  std::vector<Window> windows{};
  bool ok = false;        ///< false: some op needs all of its sequence
  std::size_t axis = 0;   ///< where time is in y of the whole sequence
  std::size_t steps = 0;  ///< of y
  long back = 0;          ///< y[t] depends on x[t - back] to x[t + ahead], and it
  long ahead = 0;         ///< is known `ahead` steps late
};

namespace detail {

/// Writes on the tape of a stream of n steps; time is in front of everything.
class StreamWriter {
 protected:
  constexpr explicit StreamWriter(std::size_t n) : n_(n) {}

  constexpr Value value(int id) { return {&stream_.tape, id}; }

  /// x [n, ..] as the last rows of a window, with `past` rows before them.
  constexpr Value window(Value x, std::size_t past) {
    const std::size_t width = x.shape().size() / n_;
    const Instruction w{.op = Op::input,
                        .batched = true,
                        .shape = Dims{2, {past + n_, width}},
                        .attr = {.index = StreamInput::first_window + stream_.windows.size()}};
    stream_.windows.push_back({past + n_, width});
    const int before = stream_.tape.push(w);
    const Value flat = reshape(x, Dims{2, {n_, width}});
    const Value all = emit(stream_.tape, Op::append, w.shape, {before, flat.id, -1});
    Dims shape = x.shape();
    shape.extent[0] = past + n_;
    return reshape(all, shape);
  }

  /// Zero before the first step.
  constexpr int since_start(int x, long ahead) {
    const Dims shape = value(x).shape();
    const Value index = on_axis(step_index(ahead), 0, shape);
    return where(index < 0.0, number(index, 0), value(x)).id;
  }

  /// position - before + 0, 1, 2, ...: numbers of steps since the start.
  constexpr Value index_from(std::size_t count, long before) {
    const Value position = value(stream_.tape.push(
        {.op = Op::input, .batched = true, .attr = {.index = StreamInput::of_position}}));
    const Value first = before == 0 ? position : position - static_cast<double>(before);
    const Value from = broadcast(first, Dims{1, {count}});
    return from + value(stream_.tape.push({.op = Op::iota, .shape = Dims{1, {count}}}));
  }
  constexpr Value step_index(long ahead) { return index_from(n_, ahead); }

  std::size_t n_;
  Stream stream_ = {};
};

}  // namespace detail
}  // namespace etch
