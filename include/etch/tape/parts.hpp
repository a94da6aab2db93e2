// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "etch/tape/fuse.hpp"
#include "etch/tape/passes.hpp"
#include "etch/tape/value.hpp"

// Gates. A cell multiplies its state by a matrix whose rows are those of all gates, and goes on
// with the same element of each of them:
//
//   z = U h + W x + b                                   [4 H]
//   c' = sigmoid(z[H .. 2H]) c + sigmoid(z[0 .. H]) tanh(z[2H .. 3H])
//
// Seen as one vector z has to be in memory before the first element of c' can be computed. Here the
// product becomes one of several parts: its kernel finishes an element of all of them at once and
// hands them to one chain, so that one unit's exponentials run while the next one's weights arrive.

namespace etch {

namespace detail {

/// Slices are moved before the elementwise ops that are only read through slices.
class SliceFirst {
 public:
  constexpr explicit SliceFirst(const Tape& tape)
      : from_(tape), only_sliced_(tape.size(), 1), place_(tape.size(), -1) {}

  constexpr Tape run() {
    find_only_sliced();
    to_ = {.batch = from_.batch, .origin = from_.origin, .parameters = from_.parameters};
    for (std::size_t i = 0; i < from_.size(); ++i) {
      Instruction copy = from_.code[i];
      if (takes_part(copy)) {
        place_[i] = part(copy.args[0], copy.attr.start, copy.shape[0]).id;
        continue;
      }
      for (int& arg : copy.args) arg = arg < 0 ? arg : moved(arg);
      place_[i] = to_.push(copy);
    }
    for (const int output : from_.outputs) to_.outputs.push_back(moved(output));
    return tidied(std::move(to_), true);
  }

 private:
  constexpr int moved(int i) const { return place_[static_cast<std::size_t>(i)]; }
  constexpr char& only_sliced(int i) { return only_sliced_[static_cast<std::size_t>(i)]; }

  constexpr bool takes_part(const Instruction& i) const {
    return i.op == Op::slice && i.shape.rank == 1 && i.attr.step == 1 &&
           i.shape[0] < from_[i.args[0]].shape[0];
  }

  constexpr void find_only_sliced() {
    for (const int output : from_.outputs) only_sliced(storage_of(from_, output)) = 0;
    for (std::size_t i = from_.size(); i-- > 0;) {
      const Instruction& reader = from_.code[i];
      const OpKind kind = info(reader.op).kind;
      if (kind != OpKind::elementwise) only_sliced_[i] = 0;
      if (only_renames(reader.op) || takes_part(reader) || only_sliced_[i] != 0) continue;
      for (const int arg : reader.args) {
        if (arg >= 0) only_sliced(storage_of(from_, arg)) = 0;
      }
    }
  }

  /// `count` elements from `start` on of a value that is a vector but for axes of extent one.
  constexpr Value part(int value, std::size_t start, std::size_t count) {
    const Instruction& i = from_[value];
    const Dims shape{1, {count}};
    const bool vector = squeezed(i.shape).rank == 1;
    if (only_renames(i.op) && squeezed(from_[i.args[0]].shape) == squeezed(i.shape)) {
      return part(i.args[0], start, count);
    }
    if (i.op == Op::broadcast && vector) {
      const Dims& x = from_[i.args[0]].shape;
      if (x.size() == i.shape.size()) return part(i.args[0], start, count);
      return broadcast(reshape({&to_, moved(i.args[0])}, Dims{1, {1}}), shape);
    }
    if (i.op == Op::constant) {
      const Value result = emit(to_, Op::constant, shape);
      to_[result.id].value = i.value;
      return result;
    }
    if (vector && only_sliced(value) != 0) {
      std::array<int, 3> args = {-1, -1, -1};
      for (std::size_t k = 0; k < args.size(); ++k) {
        if (i.args[k] >= 0) args[k] = part(i.args[k], start, count).id;
      }
      return emit(to_, i.op, shape, args, i.attr);
    }
    const Value whole = reshape({&to_, moved(value)}, Dims{1, {i.shape.size()}});
    return slice(whole, {.start = start, .step = 1}, count);
  }

  const Tape& from_;
  Table<char> only_sliced_;
  Table<int> place_;
  Tape to_ = {};
};

/// In how many equal slices, read by elementwise ops, a product is read; zero if otherwise.
constexpr std::size_t parts_of_product(const Tape& tape, int product) {
  const Instruction& p = tape[product];
  const bool vector = squeezed(p.shape).rank == 1 && !p.attr.over_batch;
  if (p.op != Op::matmul || !vector) return 0;
  for (std::size_t k = 0; k < 2; ++k) {
    if (number_type_of(tape, p.args[k]) != NumberType::f32) return 0;
  }
  std::size_t count = 0;
  for (const int output : tape.outputs) {
    if (storage_of(tape, output) == product) return 0;
  }
  for (const Instruction& i : tape.code) {
    for (const int arg : i.args) {
      if (arg < 0 || storage_of(tape, arg) != product || only_renames(i.op)) continue;
      const bool equal = i.op == Op::slice && i.attr.step == 1 &&
                         (count == 0 || i.shape.size() == count) &&
                         i.attr.start % i.shape.size() == 0;
      if (!equal) return 0;
      count = i.shape.size();
    }
  }
  return count == 0 || p.shape.size() % count != 0 ? 0 : p.shape.size() / count;
}

/// Whether the chain that a product carries is all that reads it.
constexpr bool keeps_to_itself(const Tape& tape, int product) {
  return fuse(tape).stored[static_cast<std::size_t>(product)] == 0;
}

/// Fewer elements than this leave registers empty.
inline constexpr std::size_t shortest_part = 8;

}  // namespace detail

/// For one sample: products whose parts are only read side by side say so, in attr.groups.
constexpr Tape with_parts(const Tape& tape) {
  if (tape.batch != 1) return tape;
  Tape result = detail::SliceFirst(tape).run();
  bool any = false;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::size_t parts = detail::parts_of_product(result, static_cast<int>(i));
    Instruction& product = result.code[i];
    if (parts < 2 || product.shape.size() / parts < detail::shortest_part) continue;
    product.attr.groups = parts;
    if (detail::keeps_to_itself(result, static_cast<int>(i))) any = true;
    else product.attr.groups = 0;
  }
  return any ? result : tape;
}

}  // namespace etch
