// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>

#include "etch/tape/passes.hpp"
#include "etch/tape/tape.hpp"
#include "etch/tape/value.hpp"

// Parameters of small numbers. Products take matrices as they are, in pairs (see ParameterInfo),
// convolutions over two axes their kernels and embeddings their tables; what any other op reads is
// copied to floats before. A parameter of 8-bit integers has a second one beside it, the scales of
// its outputs:
//
//   W x + b   with W[o, i] = s[o] Q[o, i]   is   s (Q x) + b

namespace etch {

namespace detail {

class SmallNumbers {
 public:
  constexpr explicit SmallNumbers(const Tape& tape)
      : from_(tape), place_(tape.size(), -1), float_(tape.size(), -1), scale_(tape.size(), -1) {}

  constexpr Tape run() {
    to_ = {.batch = from_.batch, .origin = from_.origin, .parameters = from_.parameters};
    for (std::size_t i = 0; i < from_.size(); ++i) {
      Instruction copy = from_.code[i];
      for (int& arg : copy.args) arg = arg < 0 ? arg : read(arg, copy.op);
      place_[i] = to_.push(copy);
      if (copy.op == Op::parameter) parameter(static_cast<int>(i));
      if (copy.op == Op::matmul) scale_product(static_cast<int>(i));
      if (copy.op == Op::conv2d) scale_channels(static_cast<int>(i));
      if (copy.op == Op::embedding) scale_rows(static_cast<int>(i));
    }
    for (const int output : from_.outputs) to_.outputs.push_back(read(output, Op::reshape));
    return std::move(to_);
  }

 private:
  constexpr std::size_t at(int i) const { return static_cast<std::size_t>(i); }
  constexpr const ParameterInfo& info_of(int parameter) const {
    return to_.parameters[from_[parameter].attr.index];
  }

  constexpr int read(int i, Op reader) const {
    const bool as_it_is = float_[at(i)] < 0 || reader == Op::embedding || reader == Op::conv2d ||
                          (reader == Op::matmul && info_of(i).in_pairs());
    return as_it_is ? place_[at(i)] : float_[at(i)];
  }

  constexpr void parameter(int id) {
    const ParameterInfo info = info_of(id);
    const Value numbers{&to_, place_[at(id)]};
    if (info.type == NumberType::f32) return;
    if (info.type == NumberType::b16) {
      float_[at(id)] = slice(numbers, {.step = 1}, numbers.shape()[0]).id;
      return;
    }
    const Value scale = scale_of(info);
    scale_[at(id)] = scale.id;
    Dims column{numbers.shape().rank, {}};
    for (std::size_t k = 0; k < column.rank; ++k) column.extent[k] = 1;
    column.extent[info.transposed ? column.rank - 1 : 0] = info.shape[0];
    float_[at(id)] = (numbers * broadcast(reshape(scale, column), numbers.shape())).id;
  }

  constexpr Value scale_of(const ParameterInfo& info) {
    Name name = info.name;
    name.append("_scale");
    const Dims shape{1, {info.shape[0]}};
    to_.parameters.push_back({.name = name, .shape = shape, .role = Role::frozen});
    const Attributes attr{.index = to_.parameters.size() - 1};
    return {&to_, to_.push({.op = Op::parameter, .shape = shape, .attr = attr})};
  }

  constexpr void scale_product(int id) {
    const Instruction& product = from_[id];
    for (std::size_t k = 0; k < 2; ++k) {
      const int matrix = product.args[k];
      if (scale_[at(matrix)] < 0 || !info_of(matrix).in_pairs()) continue;
      const Value scale{&to_, scale_[at(matrix)]};
      const std::size_t n = scale.shape()[0];
      const Value along = k == 0 ? reshape(scale, Dims{2, {n, 1}}) : scale;
      const Value y{&to_, place_[at(id)]};
      place_[at(id)] = (y * broadcast(along, y.shape())).id;
    }
  }

  constexpr void scale_channels(int id) {
    const int kernel = from_[id].args[1];
    if (scale_[at(kernel)] < 0) return;
    const Value scale{&to_, scale_[at(kernel)]}, y{&to_, place_[at(id)]};
    const Dims channels{3, {scale.shape()[0], 1, 1}};
    place_[at(id)] = (y * broadcast(reshape(scale, channels), y.shape())).id;
  }

  /// Each row that an index chose has the scale that the index chooses.
  constexpr void scale_rows(int id) {
    const int table = from_[id].args[0];
    if (scale_[at(table)] < 0) return;
    const Value all{&to_, scale_[at(table)]};
    const Value scales = reshape(all, Dims{2, {all.shape()[0], 1}});
    const int index = to_[place_[at(id)]].args[1];
    const Dims shape = embedding_dims(scales.shape(), to_[index].shape);
    const Value chosen = emit(to_, Op::embedding, shape, {scales.id, index, -1});
    const Value y{&to_, place_[at(id)]};
    place_[at(id)] = (y * broadcast(chosen, y.shape())).id;
  }

  const Tape& from_;
  Table<int> place_, float_, scale_;  // by instruction
  Tape to_ = {};
};

}  // namespace detail

/// After with_vector_layout. Tapes without such parameters stay as they are.
constexpr Tape with_small_numbers(Tape tape) {
  bool any = false;
  for (const ParameterInfo& p : tape.parameters) any = any || p.type != NumberType::f32;
  if (any) tape = tidied(detail::SmallNumbers(tape).run(), true);
  return tape;
}

}  // namespace etch
