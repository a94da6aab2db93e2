// SPDX-License-Identifier: BSL-1.0
/// Weights that were written as a C++ header, back as parameters of a network: no file is read at
/// run time, and a header that does not belong to the network does not compile.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "etch/expr/check.hpp"
#include "etch/expr/node.hpp"
#include "etch/network/parameters.hpp"

namespace etch {

/// A tensor of a written header: its key in PyTorch's `state_dict`, and its shape there.
struct EmbeddedTensor {
  std::string_view name{};
  Dims shape{};
};

/// The empty type of a written header's `weights`: the rows `tensors`, and in `data` their elements,
/// row-major, one tensor after the other without gaps.
template <class T>
concept EmbeddedWeights = requires {
  { T::tensors[0] } -> std::convertible_to<EmbeddedTensor>;
  { T::data[0] } -> std::convertible_to<float>;
  T::tensors.size() + T::data.size();
};

// What is reported where header and network differ.
template <std::size_t row> struct AtTensor {};
template <FixedString name, class S> struct Named {};
struct NoTensor {};
template <std::size_t count> struct Weights {};

template <bool ok, class Where, class Wanted, class Found> inline constexpr bool tensors_agree = ok;
template <bool ok, class Wanted, class Found> inline constexpr bool weight_counts_agree = ok;

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
  return {Table::data.size() == parameter_count<Net> ? Mismatch::none : Mismatch::count, 0};
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

/// Places n row-major elements. Writes run upwards: g++ keeps a constant array as a sorted list, and
/// inserting in its middle makes constant evaluation quadratic.
constexpr void place(const ParameterInfo& info, const float* from, float* to) {
  const std::size_t n = info.shape.size();
  if (!info.transposed) {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
    return;
  }
  const std::size_t rows = info.shape[0], columns = info.shape[1];
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t i = 0; i < rows; ++i) *to++ = from[i * columns + j];
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
                                      Expected<Weights<parameter_count<Net>>>,
                                      Got<Weights<Table::data.size()>>>,
                  "etch: these weights are damaged: their number does not fit their shapes");
    if constexpr (verdict.mismatch == Mismatch::none) {
      std::size_t start = 0;
      for (const PlacedParameter& p : parameter_table<Net>) {
        detail::place(p.info, Table::data.data() + start, parameters.data + p.offset);
        start += p.info.shape.size();
      }
    }
  }
  return parameters;
}

}  // namespace etch
