// SPDX-License-Identifier: BSL-1.0
/// The order of PyTorch's `net.parameters()`, for files in which tensors have no names. A table of
/// parameters is in the order in which formulas meet them, PyTorch's in that in which constructors
/// register them: they differ within recurrences and transformer layers. What PyTorch does not
/// have (Jordan, GraphAttention) has no order there; here it has one that does not change.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

#include "etch/network/parameter_table.hpp"

namespace etch::detail {

// What PyTorch registers in another order than formulas use it.
inline constexpr std::array<std::string_view, 5> recurrent_order = {
    "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"};
inline constexpr std::array<std::string_view, 8> transformer_order = {
    "self_attn", "multihead_attn", "out_proj", "linear1", "linear2", "norm1", "norm2", "norm3"};

/// Where one component of a dotted name stands among its siblings: parameters of a module before
/// modules in it; those of one layer and direction of a recurrence together.
using Rank = std::array<std::size_t, 4>;

class ParameterOrder {
 public:
  explicit ParameterOrder(std::span<const PlacedParameter> rows) : rows_(rows) {}

  /// The rows of what `net.parameters()` gives, hence without buffers.
  std::vector<std::size_t> sorted() const {
    std::vector<std::size_t> order;
    std::vector<std::vector<Rank>> ranks;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      ranks.push_back(ranks_of(rows_[row].info.name.view()));
      if (rows_[row].info.role != Role::buffer) order.push_back(row);
    }
    std::ranges::sort(order, {}, [&](std::size_t row) -> const auto& { return ranks[row]; });
    return order;
  }

 private:
  std::vector<Rank> ranks_of(std::string_view name) const {
    std::vector<Rank> ranks;
    for (std::size_t begin = 0;;) {
      const std::size_t dot = name.find('.', begin);
      const std::string_view component = name.substr(begin, dot - begin);
      if (dot == name.npos) {
        ranks.push_back(leaf(name.substr(0, begin), component));
        return ranks;
      }
      ranks.push_back({1, place_in(transformer_order, component),
                       first_row(name.substr(0, dot + 1), {}), 0});
      begin = dot + 1;
    }
  }

  Rank leaf(std::string_view parent, std::string_view name) const {
    for (std::size_t stem = 0; stem < recurrent_order.size(); ++stem) {
      if (!name.starts_with(recurrent_order[stem])) continue;
      const std::string_view layer = name.substr(recurrent_order[stem].size());  // _l1_reverse
      return {0, first_row(parent, layer), stem, 0};
    }
    return {0, first_row(parent, name), 0, 0};
  }

  template <std::size_t n>
  static std::size_t place_in(const std::array<std::string_view, n>& names, std::string_view name) {
    return static_cast<std::size_t>(std::distance(names.begin(), std::ranges::find(names, name)));
  }

  std::size_t first_row(std::string_view begins, std::string_view ends) const {
    std::size_t row = 0;
    for (; row < rows_.size(); ++row) {
      const std::string_view name = rows_[row].info.name.view();
      if (name.starts_with(begins) && name.ends_with(ends)) break;
    }
    return row;
  }

  std::span<const PlacedParameter> rows_;
};

}  // namespace etch::detail
