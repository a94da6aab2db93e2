// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/tape/passes.hpp"
#include "etch/tape/tape.hpp"
#include "etch/tape/value.hpp"
#include "etch/tape/view.hpp"

// Parameters of small numbers, in two passes: what they mean, and who cannot read them.
//
// A parameter of 8-bit integers has a second one beside it, the scales of its outputs. Products,
// convolutions and embeddings go on with the integers, and the scales come behind them:
//
//   W x + b   with W[o, i] = s[o] Q[o, i]   is   s (Q x) + b
//
// Kernels expand small numbers in registers. What has no kernel for them reads a copy as floats.

namespace etch {

namespace detail {

template <class AnyTape> constexpr bool has_small_numbers(const AnyTape& tape) {
  return std::ranges::any_of(tape.parameters,
                             [](const auto& p) { return p.type != NumberType::f32; });
}

/// What is known of each value in both passes: where it is now, and in another form.
class SmallNumbers {
 protected:
  constexpr explicit SmallNumbers(const Tape& tape)
      : from_(tape), place_(tape.size(), -1), other_(tape.size(), -1) {
    to_ = {.batch = from_.batch, .origin = from_.origin, .parameters = from_.parameters};
  }

  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
  constexpr Value now(int i) { return {&to_, place_[at(i)]}; }
  constexpr int other(int i) const { return other_[at(i)] < 0 ? place_[at(i)] : other_[at(i)]; }

  /// The parameter in whose memory a value lies.
  constexpr const ParameterInfo* parameter_of(int i) const {
    const Instruction& base = from_[storage_of(from_, i)];
    return base.op == Op::parameter ? &from_.parameters[base.attr.index] : nullptr;
  }

  const Tape& from_;
  Table<int> place_, other_;  // by instruction; other: -1 if there is none
  Tape to_ = {};
};

/// The other form of integers: the numbers that they stand for.
class Scaled : SmallNumbers {
 public:
  constexpr explicit Scaled(const Tape& tape)
      : SmallNumbers(tape), scale_(tape.size(), -1), outputs_(tape.size(), 0) {}

  constexpr Tape run() {
    for (std::size_t i = 0; i < from_.size(); ++i) place(static_cast<int>(i));
    for (const int output : from_.outputs) to_.outputs.push_back(other(output));
    return std::move(to_);
  }

 private:
  /// Whether an op takes integers as its k-th argument and leaves the scales to what follows.
  constexpr bool takes_integers(const Instruction& i, std::size_t k) const {
    const int arg = i.args[k];
    if (scale_[at(arg)] < 0) return false;
    switch (i.op) {
      case Op::matmul: return from_[arg].op == Op::parameter && parameter_of(arg)->in_pairs();
      case Op::conv2d: case Op::conv2d_input_gradient: return k == 1 && outputs_[at(arg)] == 0;
      case Op::embedding: return k == 0 && from_[arg].op == Op::parameter;
      default: return false;
    }
  }

  constexpr void place(int id) {
    const Instruction& i = from_[id];
    Instruction copy = i;
    int scale = -1;
    std::size_t scaled = 0;  // the argument that the scale belongs to
    for (std::size_t k = 0; k < 3; ++k) {
      if (i.args[k] < 0) continue;
      copy.args[k] = other(i.args[k]);
      if (!takes_integers(i, k)) continue;
      copy.args[k] = place_[at(i.args[k])];
      scale = scale_[at(i.args[k])];
      scaled = k;
    }
    if (scale >= 0 && i.op == Op::conv2d_input_gradient) {
      copy.args[0] = channels_scaled({&to_, copy.args[0]}, scale);
    }
    place_[at(id)] = to_.push(copy);
    if (i.op == Op::parameter && from_.parameters[i.attr.index].type == NumberType::i8) {
      parameter(id, from_.parameters[i.attr.index]);
    }
    if (scale >= 0 && i.op == Op::matmul) place_[at(id)] = product_scaled(now(id), scaled, scale);
    if (scale >= 0 && i.op == Op::conv2d) place_[at(id)] = channels_scaled(now(id), scale);
    if (scale >= 0 && i.op == Op::embedding) place_[at(id)] = rows_scaled(now(id), scale);
    if (i.op == Op::reshape || i.op == Op::permute) rearrange(id);
  }

  constexpr void parameter(int id, const ParameterInfo& info) {
    Name name = info.name;
    name.append("_scale");
    const Dims shape{1, {info.shape[0]}};
    to_.parameters.push_back({.name = name, .shape = shape, .role = Role::frozen});
    const Attributes attr{.index = to_.parameters.size() - 1};
    const Value scale{&to_, to_.push({.op = Op::parameter, .shape = shape, .attr = attr})};
    const Value integers = now(id);
    Dims column{integers.shape().rank, {}};
    for (std::size_t k = 0; k < column.rank; ++k) column.extent[k] = 1;
    scale_[at(id)] = scale.id;
    outputs_[at(id)] = info.transposed ? column.rank - 1 : 0;
    column.extent[outputs_[at(id)]] = info.shape[0];
    other_[at(id)] = (integers * broadcast(reshape(scale, column), integers.shape())).id;
  }

  /// Integers whose outputs are their first axis, or become it, are integers still.
  constexpr void rearrange(int id) {
    const Instruction& i = from_[id];
    const int arg = i.args[0];
    if (scale_[at(arg)] < 0) return;
    const bool first = i.op == Op::permute ? i.attr.order[0] == outputs_[at(arg)]
                                           : outputs_[at(arg)] == 0 &&
                                                 i.shape[0] == from_[arg].shape[0];
    if (!first) return;
    other_[at(id)] = place_[at(id)];
    Instruction integers = i;
    integers.args[0] = place_[at(arg)];
    place_[at(id)] = to_.push(integers);
    scale_[at(id)] = scale_[at(arg)];
  }

  constexpr int product_scaled(Value y, std::size_t matrix, int scale_id) {
    const Value scale{&to_, scale_id};
    const Value along = matrix == 0 ? reshape(scale, Dims{2, {scale.shape()[0], 1}}) : scale;
    return (y * broadcast(along, y.shape())).id;
  }

  constexpr int channels_scaled(Value y, int scale_id) {
    const Value scale{&to_, scale_id};
    const Dims channels{3, {scale.shape()[0], 1, 1}};
    return (y * broadcast(reshape(scale, channels), y.shape())).id;
  }

  /// Each row that an index chose has the scale that the index chooses.
  constexpr int rows_scaled(Value y, int scale_id) {
    const Value all{&to_, scale_id};
    const Value scales = reshape(all, Dims{2, {all.shape()[0], 1}});
    const int index = to_[y.id].args[1];
    const Dims shape = embedding_dims(scales.shape(), to_[index].shape);
    const Value chosen = emit(to_, Op::embedding, shape, {scales.id, index, -1});
    return (y * broadcast(chosen, y.shape())).id;
  }

  Table<int> scale_;            // by instruction: of its integers, or -1
  Table<std::size_t> outputs_;  // by instruction: the axis of those
};

/// The other form of small numbers: floats.
class FloatCopies : SmallNumbers {
 public:
  constexpr explicit FloatCopies(const Tape& tape) : SmallNumbers(tape) {}

  constexpr Tape run() {
    for (std::size_t i = 0; i < from_.size(); ++i) place(static_cast<int>(i));
    for (const int output : from_.outputs) to_.outputs.push_back(other(output));
    return std::move(to_);
  }

 private:
  /// Whether the kernel of an op expands its k-th argument in registers.
  constexpr bool has_kernel(const Instruction& i, std::size_t k) const {
    const ParameterInfo* const info = parameter_of(i.args[k]);
    if (info == nullptr) return false;
    switch (i.op) {
      case Op::matmul: case Op::conv1d: return info->in_pairs();
      case Op::conv2d: return k == 1 && info->in_pairs() == i.attr.transpose_b;
      case Op::conv2d_input_gradient: return k == 1;
      case Op::embedding: return k == 0;
      default: return false;
    }
  }

  constexpr void place(int id) {
    const Instruction& i = from_[id];
    Instruction copy = i;
    for (std::size_t k = 0; k < 3; ++k) {
      if (i.args[k] < 0) continue;
      copy.args[k] = has_kernel(i, k) ? place_[at(i.args[k])] : other(i.args[k]);
    }
    place_[at(id)] = to_.push(copy);
    if (i.op == Op::parameter && from_.parameters[i.attr.index].type != NumberType::f32) {
      other_[at(id)] = floats_of(i, now(id));
    } else if (i.op == Op::reshape && other_[at(i.args[0])] >= 0) {
      other_[at(id)] = place_[at(id)];
      copy.args[0] = place_[at(i.args[0])];
      place_[at(id)] = to_.push(copy);
    }
  }

  constexpr int floats_of(const Instruction& parameter, Value numbers) {
    const ParameterInfo& info = from_.parameters[parameter.attr.index];
    const Dims& shape = parameter.shape;
    if (!info.in_pairs()) return slice(numbers, {.step = 1}, shape[0]).id;
    if (shape.rank == 2) return -1;  // nothing but products reads it
    // A kernel [C, 1, k, O] that is [C / 2, k, O, 2] in memory.
    const std::size_t pairs = (shape[0] + 1) / 2, k = shape[2], outputs = shape[3];
    Instruction as_it_is = parameter;
    as_it_is.shape = Dims{4, {pairs, k, outputs, 2}};
    const Value in_memory{&to_, to_.push(as_it_is)};
    const Value apart = permute(in_memory, {.order = {{2, 0, 3}, {1}}});
    const Value kernel = reshape(apart, Dims{4, {outputs, 2 * pairs, 1, k}});
    const Value floats = slice(kernel, {.axis = 1, .step = 1}, shape[0]);
    return permute(floats, {.order = {{1, 2, 3}, {0}}}).id;
  }
};

}  // namespace detail

/// The meaning of integers: their scales. After with_vector_layout.
constexpr Tape with_scales(Tape tape) {
  if (detail::has_small_numbers(tape)) tape = tidied(detail::Scaled(tape).run(), true);
  return tape;
}

/// Copies for ops whose kernels read floats only. The last of all passes before a plan.
constexpr Tape with_float_copies(Tape tape) {
  if (detail::has_small_numbers(tape)) tape = tidied(detail::FloatCopies(tape).run(), true);
  return tape;
}

}  // namespace etch
