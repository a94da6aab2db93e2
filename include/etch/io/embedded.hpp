// SPDX-License-Identifier: BSL-1.0
/// Weights that were written as a C++ header, back as parameters of a network: no file is read at
/// run time, and a header that does not belong to the network does not compile.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "etch/expr/check.hpp"
#include "etch/expr/node.hpp"
#include "etch/network/parameters.hpp"

namespace etch {

/// A tensor of a written header: its key in PyTorch's `state_dict`, and its shape there.
struct EmbeddedTensor {
  std::string_view name{};
  Dims shape{};
};

/// The type of `weights` in a written header: the rows `tensors`, and in `data` their elements,
/// row-major, one tensor after the other without gaps.
template <class T>
concept EmbeddedWeights = requires {
  { T::tensors[0] } -> std::convertible_to<EmbeddedTensor>;
  { T::data[0] } -> std::convertible_to<float>;
  T::tensors.size() + std::size(T::data);
};

// What is reported where header and network differ.
template <std::size_t row> struct AtTensor {};
template <FixedString name, class S> struct Named {};
struct NoTensor {};
template <std::size_t count> struct WeightCount {};

template <bool ok, class Where, class What, class Found> inline constexpr bool tensors_agree = ok;
template <bool ok, class What, class Found> inline constexpr bool weight_counts_agree = ok;

namespace detail {

enum class Mismatch { none, tensor, shape, count };

struct EmbeddedVerdict {
  Mismatch mismatch = Mismatch::none;
  std::size_t row = 0;  ///< of the first tensor that differs
};

template <class Net, class Table> constexpr EmbeddedVerdict check_embedded() {
  constexpr auto& wanted = parameter_table<Net>;
  constexpr auto& found = Table::tensors;
  std::size_t row = 0;
  for (; row < wanted.size() && row < found.size(); ++row) {
    if (wanted[row].info.name.view() != found[row].name) return {Mismatch::tensor, row};
    if (wanted[row].info.shape != found[row].shape) return {Mismatch::shape, row};
  }
  if (wanted.size() != found.size()) return {Mismatch::tensor, row};
  return {std::size(Table::data) == tensor_floats<Net> ? Mismatch::none : Mismatch::count, 0};
}

template <std::size_t length, class Text> constexpr auto fixed_string(const Text& text) {
  char characters[length + 1] = {};
  for (std::size_t i = 0; i < length; ++i) characters[i] = text[i];
  return FixedString<length + 1>(characters);
}

/// Row `row` of the network or of the header as a type, for the message.
template <class Net, std::size_t row> constexpr auto wanted_tensor() {
  if constexpr (row < parameter_table<Net>.size()) {
    constexpr const ParameterInfo& info = parameter_table<Net>[row].info;
    constexpr auto name = fixed_string<info.name.length>(info.name.view());
    constexpr Dims shape = info.shape;
    return Expected<Named<name, ShapeFrom<shape>>>{};
  } else {
    return Expected<NoTensor>{};
  }
}
template <class Table, std::size_t row> constexpr auto found_tensor() {
  if constexpr (row < Table::tensors.size()) {
    constexpr EmbeddedTensor tensor = Table::tensors[row];
    constexpr auto name = fixed_string<tensor.name.size()>(tensor.name);
    constexpr Dims shape = tensor.shape;
    return Got<Named<name, ShapeFrom<shape>>>{};
  } else {
    return Got<NoTensor>{};
  }
}

/// Copies a tensor whose elements start at Table::data[start]. How it is written decides how long
/// the compiler takes: g++ finds elements of arrays several times faster than targets of pointers,
/// and keeps a constant array as a sorted list, so writes must run upwards.
template <class Table>
constexpr void place(const PlacedParameter& p, std::size_t start, auto& parameters) {
  const std::size_t rows = p.info.shape.rank == 0 ? 1 : p.info.shape[0];
  const std::size_t columns = rows == 0 ? 0 : p.info.shape.size() / rows;
  const bool transposed = p.info.transposed;
  const std::size_t outer = transposed ? columns : rows, outer_step = transposed ? 1 : columns;
  const std::size_t inner = transposed ? rows : columns, inner_step = transposed ? columns : 1;
  std::size_t at = p.offset;
  for (std::size_t i = 0; i < outer; ++i) {
    for (std::size_t j = 0; j < inner; ++j) {
      parameters.data[at++] = Table::data[start + i * outer_step + j * inner_step];
    }
  }
}

}  // namespace detail

/// The parameters of a network from a header that `write_header` wrote:
///
///     constexpr auto parameters = etch::embedded_parameters<Net>(digits::weights);
///
/// Names, order and shapes are compared while compiling.
template <class Net, EmbeddedWeights Table>
constexpr Parameters<Net> embedded_parameters(const Table&) {
  Parameters<Net> parameters;
  if constexpr (Net::valid) {
    using detail::Mismatch;
    constexpr detail::EmbeddedVerdict verdict = detail::check_embedded<Net, Table>();
    constexpr std::size_t row = verdict.row;
    using Wanted = decltype(detail::wanted_tensor<Net, row>());
    using Found = decltype(detail::found_tensor<Table, row>());
    static_assert(tensors_agree<verdict.mismatch != Mismatch::tensor, AtTensor<row>, Wanted, Found>,
                  "etch: these weights belong to another network: another tensor in this place");
    static_assert(tensors_agree<verdict.mismatch != Mismatch::shape, AtTensor<row>, Wanted, Found>,
                  "etch: these weights belong to another network: the tensor has another shape");
    static_assert(weight_counts_agree<verdict.mismatch != Mismatch::count,
                                      Expected<WeightCount<tensor_floats<Net>>>,
                                      Got<WeightCount<std::size(Table::data)>>>,
                  "etch: these weights are damaged: their number does not fit their shapes");
    if constexpr (verdict.mismatch == Mismatch::none) {
      for (const bool trained : {true, false}) {  // the order in which they lie in memory
        std::size_t start = 0;
        for (const PlacedParameter& p : detail::float_rows<Net>()) {
          const bool now = (p.info.role == Role::trained) == trained;
          if (now) detail::place<Table>(p, start, parameters);
          start += p.info.shape.size();
        }
      }
    }
  }
  return parameters;
}

}  // namespace etch
