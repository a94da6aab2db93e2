// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include "etch/tape/tape.hpp"

// Buffers that live at different times share memory.

namespace etch {

/// Floats in a cache line: every tensor that the library places starts on one.
inline constexpr std::size_t line_floats = 16;

constexpr std::size_t round_to_line(std::size_t floats) {
  return (floats + line_floats - 1) / line_floats * line_floats;
}

/// A buffer from the first step that writes it to the last that reads it.
struct Lifetime {
  std::size_t floats = 0;
  std::size_t first = 0, last = 0;  ///< steps, both included
  int shares = -1;  ///< takes over the place of that lifetime, which ends as it starts
};

struct Layout {
  std::vector<std::size_t> offsets;  ///< in floats, each on a cache line
  std::size_t floats = 0;            ///< size of the whole
};

namespace detail {

/// Memory that is taken until the end of step `last`.
struct Taken {
  std::size_t offset = 0, end = 0, last = 0;
};

/// Where the first gap of that size starts, and before which of `taken` (in order of offset).
struct Gap {
  std::size_t offset = 0, before = 0;
};

constexpr Gap first_gap(const std::vector<Taken>& taken, std::size_t floats) {
  Gap gap;
  for (; gap.before < taken.size(); ++gap.before) {
    const Taken& next = taken[gap.before];
    if (next.offset >= gap.offset + floats) break;
    gap.offset = next.end > gap.offset ? next.end : gap.offset;
  }
  return gap;
}

/// Sorted by counting: std::sort costs compilers many times as much.
constexpr Table<std::size_t> in_order_of_birth(const std::vector<Lifetime>& lives) {
  std::size_t steps = 0;
  for (const Lifetime& life : lives) steps = life.first >= steps ? life.first + 1 : steps;
  Table<std::size_t> next(steps + 1, 0), order(lives.size(), 0);
  for (const Lifetime& life : lives) ++next[life.first + 1];
  for (std::size_t s = 0; s < steps; ++s) next[s + 1] += next[s];
  for (std::size_t i = 0; i < lives.size(); ++i) order[next[lives[i].first]++] = i;
  return order;
}

}  // namespace detail

/// First fit in the order of birth.
constexpr Layout lay_out(const std::vector<Lifetime>& lives) {
  Layout layout;
  layout.offsets.reserve(lives.size());
  for (std::size_t i = 0; i < lives.size(); ++i) layout.offsets.push_back(0);
  std::vector<detail::Taken> taken;
  const detail::Table<std::size_t> order = detail::in_order_of_birth(lives);
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t i = order[k];
    const Lifetime& life = lives[i];
    if (life.floats == 0) continue;
    std::erase_if(taken, [&](const detail::Taken& t) { return t.last < life.first; });
    const std::size_t floats = round_to_line(life.floats);
    detail::Gap gap = detail::first_gap(taken, floats);
    if (life.shares >= 0) {
      gap = {.offset = layout.offsets[static_cast<std::size_t>(life.shares)], .before = 0};
      while (gap.before < taken.size() && taken[gap.before].offset < gap.offset) ++gap.before;
    }
    layout.offsets[i] = gap.offset;
    const detail::Taken now{gap.offset, gap.offset + floats, life.last};
    taken.insert(taken.begin() + static_cast<std::ptrdiff_t>(gap.before), now);
    layout.floats = now.end > layout.floats ? now.end : layout.floats;
  }
  return layout;
}

}  // namespace etch
