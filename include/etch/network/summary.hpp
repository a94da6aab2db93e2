// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "etch/network/model.hpp"
#include "etch/network/stream.hpp"
#include "etch/tape/print.hpp"

namespace etch {

namespace detail {

/// The name of a template or class as it stands in the compiler's signature of this function,
/// without namespaces and arguments: "Conv2d".
template <class T> constexpr std::string_view short_name() {
#if defined(_MSC_VER) && !defined(__clang__)
  std::string_view text = __FUNCSIG__;
  text.remove_prefix(text.find("short_name<") + 11);
  for (const std::string_view word : {"struct ", "class "}) {
    if (text.starts_with(word)) text.remove_prefix(word.size());
  }
#else
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
#endif
  text = text.substr(0, text.find_first_of("<;]>"));
  const std::size_t colon = text.rfind(':');
  return colon == std::string_view::npos ? text : text.substr(colon + 1);
}

/// 20480 -> "20 480".
inline std::string grouped(std::size_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ' ');
  return digits;
}

struct SummaryRow {
  std::string cells[6];
};

inline void append_row(std::string& out, const SummaryRow& row, const std::size_t (&widths)[6]) {
  for (std::size_t c = 0; c < 6; ++c) {
    const std::string padding(widths[c] - row.cells[c].size(), ' ');
    const bool left = c == 1 || c == 2;  // names and shapes; numbers stand on the right
    out += left ? row.cells[c] + padding : padding + row.cells[c];
    if (c < 5) out += "  ";
  }
  while (out.back() == ' ') out.pop_back();
  out += '\n';
}

struct LayerCost {
  Dims output;
  std::size_t parameters = 0, flops = 0;
  std::size_t bytes = 0;  ///< buffers included
};

template <class L, class... S> constexpr LayerCost layer_cost(Shapes<S...>) {
  const Tape tape = lower<L, S...>();
  LayerCost cost{.output = RowOf<ResultShape<L, S...>>::dims, .flops = flops(tape)};
  for (const ParameterInfo& p : tape.parameters) {
    const std::size_t numbers = p.shape.size();
    const std::size_t scales = p.type == NumberType::i8 ? p.shape[0] : 0;
    if (p.role != Role::buffer) cost.parameters += numbers + scales;
    cost.bytes += numbers * bytes_of(p.type) + scales * sizeof(float);
  }
  return cost;
}
template <class L, class S> constexpr LayerCost layer_cost() {
  if constexpr (are_shapes<S>) return layer_cost<L>(S{});
  else return layer_cost<L>(Shapes<S>{});
}

template <class S> void add_layer_rows(std::vector<SummaryRow>&, std::size_t) {}
template <class S, class First, class... Rest>
void add_layer_rows(std::vector<SummaryRow>& rows, std::size_t position) {
  constexpr LayerCost cost = layer_cost<First, S>();
  rows.push_back({{std::to_string(position), std::string(short_name<First>()),
                   to_string(cost.output), grouped(cost.parameters), grouped(cost.flops),
                   grouped(cost.bytes)}});
  add_layer_rows<ResultShape<First, S>, Rest...>(rows, position + 1);
}

template <class S, class... Layers>
std::vector<SummaryRow> summary_rows(Network<S, Layers...>) {
  std::vector<SummaryRow> rows;
  rows.push_back({{"#", "layer", "output", "parameters", "FLOPs", "bytes"}});
  rows.push_back({{"", "Input", to_string(RowOf<typename S::sample>::dims), "", "", ""}});
  add_layer_rows<typename S::sample, Layers...>(rows, 0);
  return rows;
}

}  // namespace detail

/// The layers of a network with their output shapes, numbers of parameters, floating-point
/// operations for one sample (a multiply-add counts as two) and bytes of parameters and buffers, as
/// a table; then what it takes of memory, gaps between tensors included, and as a stream.
template <class Net> std::string summary() {
  std::vector<detail::SummaryRow> rows = detail::summary_rows(Net{});
  rows.push_back({{"", "total", "", detail::grouped(parameter_count<Net>),
                   detail::grouped(flops_of<Net>), detail::grouped(tensor_bytes<Net>)}});
  std::size_t widths[6] = {};
  for (const detail::SummaryRow& row : rows) {
    for (std::size_t c = 0; c < 6; ++c) {
      widths[c] = row.cells[c].size() > widths[c] ? row.cells[c].size() : widths[c];
    }
  }
  std::size_t width = 10;
  for (const std::size_t w : widths) width += w;
  std::string out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 1 || i + 1 == rows.size()) out += std::string(width, '-') + '\n';
    detail::append_row(out, rows[i], widths);
  }
  const auto budget = [&out](const char* what, std::size_t bytes) {
    out += what + detail::grouped(bytes) + " bytes\n";
  };
  budget("parameters: ", parameter_bytes<Net>);
  budget("workspace: ", workspace_bytes<Net>);
  budget("stack: ", stack_bytes<Net>);
  if constexpr (streams<Net>) {
    budget("state of a stream: ", state_bytes<Net>);
    budget("workspace of a step: ", stream_workspace_bytes<Net>);
    budget("stack of a step: ", stream_stack_bytes<Net>);
  }
  return out;
}

}  // namespace etch
