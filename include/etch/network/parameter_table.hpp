// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "etch/network/block_tapes.hpp"
#include "etch/network/blocks.hpp"
#include "etch/network/program.hpp"
#include "etch/network/step_tapes.hpp"

// Where the parameters of a network lie.

namespace etch {

/// A parameter of a network: its row, and where it lies in `Parameters`.
struct PlacedParameter {
  ParameterInfo info;
  std::size_t offset = 0;  ///< floats
};

namespace detail {

/// "1.weight" of a block whose first layer is layer 4 is "5.weight" of the network; names that do
/// not start with a position are shared ones.
constexpr Name renumbered(const Name& name, std::size_t first_layer) {
  if (name.text[0] < '0' || name.text[0] > '9') return name;
  std::size_t position = 0, i = 0;
  for (; i < name.length && name.text[i] >= '0' && name.text[i] <= '9'; ++i) {
    position = position * 10 + static_cast<std::size_t>(name.text[i] - '0');
  }
  Name result = position_name(position + first_layer);
  result.append(name.view().substr(i));
  return result;
}

/// What a block says of its parameters: how many, their floats, and each with its name in the
/// network.
template <class B> struct parameters_of_block;

template <class Layers, class S, std::size_t first>
struct parameters_of_block<Block<Layers, S, first>> {
  static constexpr const auto& tape = formula_tape<Layers, S>;
  static constexpr std::size_t count = tape.parameters.size();
  static constexpr ParameterFloats floats = parameter_floats(tape);
  static constexpr std::size_t flops = etch::flops(tape.thaw());

  template <class F> static constexpr void for_each(F f) {
    for (const ParameterInfo& info : tape.parameters) f(info, renumbered(info.name, first));
  }
};

template <std::size_t truncation, class... D, class S, std::size_t layer>
struct parameters_of_block<RecurrentBlock<Recurrence<truncation, D...>, S, layer>> {
  using X = StepShape<S>;
  static constexpr std::size_t count =
      (std::size_t{0} + ... + cell_tape<typename D::cell, X>.parameters.size());
  static constexpr ParameterFloats floats = {
      (std::size_t{0} + ... + parameter_floats(cell_tape<typename D::cell, X>).trained),
      (std::size_t{0} + ... + parameter_floats(cell_tape<typename D::cell, X>).fixed)};
  static constexpr std::size_t flops =
      S::dims[0] * (std::size_t{0} + ... + etch::flops(cell_tape<typename D::cell, X>.thaw()));

  template <class F> static constexpr void for_each(F f) {
    (visit(cell_tape<typename D::cell, X>, D::suffix.view(), f), ...);
  }

 private:
  template <class AnyTape, class F>
  static constexpr void visit(const AnyTape& cell, std::string_view suffix, F& f) {
    for (const ParameterInfo& info : cell.parameters) {
      Name name = position_name(layer) / info.name.view();
      name.append(suffix);
      f(info, name);
    }
  }
};

/// What is trained lies before what is not, so that an optimizer takes one stretch of memory.
template <class List> struct block_table;
template <class... B> struct block_table<mp::mp_list<B...>> {
  static constexpr std::size_t count = (std::size_t{0} + ... + parameters_of_block<B>::count);
  static constexpr ParameterFloats floats = {
      (std::size_t{0} + ... + parameters_of_block<B>::floats.trained),
      (std::size_t{0} + ... + parameters_of_block<B>::floats.fixed)};

  static constexpr auto make() {
    std::array<PlacedParameter, count> table{};
    std::size_t row = 0, trained = 0, fixed = floats.trained;
    const auto add = [&](const ParameterInfo& info, const Name& name) {
      std::size_t& offset = info.role == Role::trained ? trained : fixed;
      table[row].info = info;
      table[row].info.name = name;
      table[row++].offset = offset;
      offset += round_to_line(info.floats());
    };
    (parameters_of_block<B>::for_each(add), ...);
    return table;
  }

  /// Where the parameters of each block start, in floats.
  static constexpr auto starts() {
    std::array<ParameterFloats, sizeof...(B)> result{};
    std::size_t i = 0;
    ParameterFloats offset{0, floats.trained};
    const auto add = [&](ParameterFloats size) {
      result[i++] = offset;
      offset.trained += size.trained;
      offset.fixed += size.fixed;
    };
    (add(parameters_of_block<B>::floats), ...);
    return result;
  }
};

}  // namespace detail

/// All parameters of a network, in the order of its layers.
template <class Net>
inline constexpr auto parameter_table = detail::block_table<Blocks<Net>>::make();

/// Floats that the parameters take in memory, each tensor on a cache line of its own.
template <class Net>
inline constexpr std::size_t parameter_floats_of = [] {
  constexpr ParameterFloats floats = detail::block_table<Blocks<Net>>::floats;
  return floats.trained + floats.fixed;
}();

/// ... and those of them that an optimizer changes; they come first.
template <class Net>
inline constexpr std::size_t trained_floats_of = detail::block_table<Blocks<Net>>::floats.trained;

/// Parameters of a network, without its buffers: what PyTorch's `sum(p.numel() for p in
/// net.parameters())` counts.
template <class Net>
inline constexpr std::size_t parameter_count = [] {
  std::size_t n = 0;
  for (const PlacedParameter& p : parameter_table<Net>) {
    if (p.info.role != Role::buffer) n += p.info.shape.size();
  }
  return n;
}();

/// Numbers of all tensors of a network: parameters and buffers, without the gaps between them.
template <class Net>
inline constexpr std::size_t tensor_floats = [] {
  std::size_t n = 0;
  for (const PlacedParameter& p : parameter_table<Net>) n += p.info.shape.size();
  return n;
}();

/// Bytes of the same.
template <class Net>
inline constexpr std::size_t tensor_bytes = [] {
  std::size_t n = 0;
  for (const PlacedParameter& p : parameter_table<Net>) {
    n += p.info.shape.size() * bytes_of(p.info.type);
  }
  return n;
}();

/// Floating-point operations of the inference of one sample; a multiply-add counts as two.
template <class Net>
inline constexpr std::size_t flops_of = [] {
  return []<class... B>(mp::mp_list<B...>) {
    return (std::size_t{0} + ... +
            detail::parameters_of_block<B>::flops);
  }(Blocks<Net>{});
}();

}  // namespace etch
