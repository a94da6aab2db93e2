// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "etch/data/result.hpp"
#include "etch/network/parameter_table.hpp"
#include "etch/tape/view.hpp"

// Some inputs are numbers of rows of a table: whether they are good ones is only known at run time.

namespace etch {

namespace detail {

/// Numbers of a sample that are indices: `count` of them from `first` on, below `rows`.
struct Indices {
  std::size_t first = 0, count = 0, rows = 0;
};

template <class AnyTape> constexpr std::vector<Indices> indices_on(const AnyTape& frozen) {
  const Tape tape = frozen.thaw();
  std::vector<Indices> found;
  for (const Instruction& i : tape.code) {
    if (i.op != Op::embedding) continue;
    const View view = view_of(tape, i.args[1]);
    int base = view.base;
    std::size_t first = view.access.offset;
    const auto is_part = [&] { return tape[base].op == Op::slice && tape[base].shape.rank == 1; };
    while (only_renames(tape[base].op) || is_part()) {
      first += is_part() ? tape[base].attr.start : 0;
      base = tape[base].args[0];
    }
    if (tape[base].op == Op::input && tape[base].attr.index == TrainingInput::of_x) {
      found.push_back({first, tape[i.args[1]].shape.size(), tape[i.args[0]].shape[0]});
    }
  }
  return found;
}

template <class B> struct indices_of_block {
  static constexpr std::array<Indices, 0> all{};
};
template <class Layers, class S, std::size_t first>
struct indices_of_block<Block<Layers, S, first>> {
  static constexpr auto all = [] {
    std::array<Indices, indices_on(formula_tape<Layers, S>).size()> result{};
    copy_all(indices_on(formula_tape<Layers, S>), result);
    return result;
  }();
};

template <class Net> constexpr const auto& indices_of_input() {
  return indices_of_block<mp::mp_front<Blocks<Net>>>::all;
}

}  // namespace detail

/// Whether a sample's indices (of an Embedding at the front of the network) are whole numbers of
/// rows that there are; the error says which one is not. Without this check an index outside counts
/// as the nearest inside.
template <class Net> Result<void> check_input(std::span<const float, InputShape<Net>::size> x) {
  for (const detail::Indices& indices : detail::indices_of_input<Net>()) {
    for (std::size_t i = indices.first; i < indices.first + indices.count; ++i) {
      const bool whole = x[i] >= 0 && x[i] == std::floor(x[i]);
      if (whole && x[i] < static_cast<float>(indices.rows)) continue;
      return Error{"input " + std::to_string(i) + " is " + std::to_string(x[i]) +
                   ", and not one of the rows 0.." + std::to_string(indices.rows - 1) +
                   " of the table"};
    }
  }
  return {};
}

}  // namespace etch
