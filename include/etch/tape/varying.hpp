// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include "etch/tape/time_axis.hpp"
#include "etch/tape/view.hpp"

// From a tape to one that runs for any length up to that of its shapes. Its values keep their
// places and strides; of an axis that varies a run of length n uses the first n / longest. What
// stands behind is neither read nor of any meaning: sums, maxima, products and softmax leave it
// out, a mean divides by the length of the run.

namespace etch {

/// Some numbers of an input: where they start, how they are read, and which of their axes vary.
struct InputPart {
  std::size_t offset = 0;
  Dims shape{};
  std::size_t vary = 0;  ///< bit k: axis k
};

namespace detail {

class Lengthener {
 public:
  constexpr Lengthener(const Tape& tape, const std::vector<InputPart>& parts, std::size_t longest)
      : from_(tape), parts_(parts), longest_(longest), place_(tape.size(), -1) {}

  constexpr Tape run() {
    to_ = {.batch = from_.batch, .origin = from_.origin, .parameters = from_.parameters};
    to_.origin.longest = longest_;
    to_.code.reserve(from_.size() + 8);
    for (std::size_t i = 0; i < from_.size(); ++i) {
      Instruction next = from_.code[i];
      for (int& arg : next.args) arg = arg < 0 ? arg : place_[static_cast<std::size_t>(arg)];
      next.varies = static_cast<unsigned char>(axes_that_vary(next));
      place_[i] = to_.push(next);
      if (is_mean(next)) place_[i] = mean_of_run(next);
    }
    for (const int output : from_.outputs) {
      to_.outputs.push_back(place_[static_cast<std::size_t>(output)]);
    }
    return to_;
  }

 private:
  constexpr std::size_t axes_of(int value) const { return to_[value].varies; }
  constexpr bool varies(int value, std::size_t axis) const {
    return (axes_of(value) >> axis & 1) != 0;
  }

  constexpr std::size_t axes_that_vary(const Instruction& i) {
    if (const InputPart* part = part_of(i); part != nullptr) return part->vary;
    std::size_t result = 0;
    for (std::size_t k = 0; k < i.args.size(); ++k) {
      if (i.args[k] < 0 || axes_of(i.args[k]) == 0) continue;
      result |= axes_from_argument(i, k);
    }
    return result;
  }

  /// The part of the input that a value is: the input as a whole, or a slice of it, in its shape.
  constexpr const InputPart* part_of(const Instruction& i) const {
    if (i.op == Op::input && i.attr.index != 0) return nullptr;
    std::size_t offset = 0;
    const Instruction* at = &i;
    while (at->op != Op::input) {
      const bool slice = at->op == Op::slice && at->shape.rank == 1 && at->attr.step == 1;
      if (!slice && !only_renames(at->op)) return nullptr;
      if (slice) offset += at->attr.start;
      at = &to_[at->args[0]];
    }
    for (const InputPart& part : parts_) {
      if (part.offset == offset && part.shape == i.shape) return &part;
    }
    return nullptr;
  }

  /// The axes of a result that vary because those of argument k do.
  constexpr std::size_t axes_from_argument(const Instruction& i, std::size_t k) {
    if (only_renames(i.op)) return axes_of_reshape(i);
    std::size_t result = 0, seen = 0;
    for (std::size_t axis = 0; axis < i.shape.rank; ++axis) {
      const int from = axis_of_argument(to_, i, k, static_cast<int>(axis));
      if (from < 0 || !varies(i.args[k], static_cast<std::size_t>(from))) continue;
      result |= std::size_t{1} << axis;
      seen |= std::size_t{1} << from;
    }
    switch (i.op) {
      case Op::concat: case Op::pad: case Op::slice: {
        const std::size_t along = std::size_t{1} << i.attr.axis;
        const bool first = i.op == Op::slice && i.attr.start == 0 && i.shape[i.attr.axis] == 1;
        if ((result & along) != 0 && !first) to_.origin.needs_all = true;
        return first ? result & ~along : result;
      }
      case Op::sum: case Op::max_reduce: return result;
      case Op::matmul: {
        seen |= std::size_t{1} << summed_axis(to_, i, k);
        break;
      }
      default:
        if (info(i.op).kind == OpKind::heavy && !row_by_row(i.op)) to_.origin.needs_all = true;
    }
    if ((axes_of(i.args[k]) & ~seen) != 0) to_.origin.needs_all = true;
    return result;
  }

  static constexpr bool row_by_row(Op op) {
    return op == Op::softmax || op == Op::log_softmax || op == Op::embedding;
  }

  /// Axes may be added and dropped, and what is behind an axis that varies may be merged with it.
  constexpr std::size_t axes_of_reshape(const Instruction& i) {
    const Dims& x = to_[i.args[0]].shape;
    std::size_t result = 0, before = 1;
    for (std::size_t j = 0; j < x.rank; before *= x[j++]) {
      if (!varies(i.args[0], j)) continue;
      const std::size_t axis = axis_behind(i.shape, before);
      if (axis == i.shape.rank) to_.origin.needs_all = true;
      else result |= std::size_t{1} << axis;
    }
    return result;
  }

  /// The axis with so many elements before it that can go by the length of a run.
  constexpr std::size_t axis_behind(const Dims& shape, std::size_t before) const {
    std::size_t axis = 0;
    for (std::size_t product = 1; axis < shape.rank; product *= shape[axis++]) {
      if (product == before && shape[axis] % longest_ == 0) break;
    }
    return axis;
  }

  /// Whether a sum over axes that vary is divided by the number of what it sums.
  constexpr bool is_mean(const Instruction& i) const {
    if (i.op != Op::div || to_[i.args[1]].op != Op::constant) return false;
    const Instruction& total = to_[view_of(to_, i.args[0]).base];
    if (total.op != Op::sum) return false;
    const Instruction& x = to_[total.args[0]];
    bool over_length = false;
    for (std::size_t k = 0; k < x.shape.rank; ++k) {
      const bool summed = (total.attr.axes >> k & 1) != 0;
      over_length = over_length || (summed && (x.varies >> k & 1) != 0);
    }
    const auto count = static_cast<double>(x.shape.size() / total.shape.size());
    return over_length && to_[i.args[1]].value == count;
  }

  /// Times longest / n.
  constexpr int mean_of_run(const Instruction& i) {
    const Value mean{&to_, static_cast<int>(to_.size()) - 1};
    const Value n{&to_, to_.push({.op = Op::input, .attr = {.index = 1}})};
    const Value ratio = number(n, static_cast<double>(longest_)) / n;
    const Value result = mean * broadcast(ratio, i.shape);
    to_[result.id].varies = i.varies;
    return result.id;
  }

  const Tape& from_;
  const std::vector<InputPart>& parts_;
  std::size_t longest_;
  Table<int> place_;  // of an instruction of from_ in to_
  Tape to_ = {};
};

}  // namespace detail

/// The tape for all lengths up to `longest`, the extent of the axes of its input that vary. Inputs:
/// x, then the length of the run as a number. Where an op would have to know the whole of an axis
/// that varies, origin.needs_all is set.
constexpr Tape with_lengths(const Tape& tape, const std::vector<InputPart>& parts,
                            std::size_t longest) {
  return detail::Lengthener(tape, parts, longest).run();
}

}  // namespace etch
