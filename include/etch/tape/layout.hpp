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

/// What is taken at the moment, in order of offset. By hand: compilers take a multiple of its time
/// over the iterators of a std::vector.
class Occupied {
 public:
  constexpr explicit Occupied(std::size_t most) : taken_(most, Taken{}) {}

  constexpr void free_before(std::size_t step) {
    std::size_t kept = 0;
    for (std::size_t k = 0; k < count_; ++k) {
      if (taken_[k].last < step) continue;
      if (kept != k) taken_[kept] = taken_[k];
      ++kept;
    }
    count_ = kept;
  }

  constexpr Gap first_gap(std::size_t floats) const {
    Gap gap;
    for (; gap.before < count_; ++gap.before) {
      const Taken& next = taken_[gap.before];
      if (next.offset >= gap.offset + floats) break;
      gap.offset = next.end > gap.offset ? next.end : gap.offset;
    }
    return gap;
  }

  /// The place of what starts there.
  constexpr Gap at(std::size_t offset) const {
    Gap gap{.offset = offset};
    while (gap.before < count_ && taken_[gap.before].offset < offset) ++gap.before;
    return gap;
  }

  constexpr void take(std::size_t before, const Taken& now) {
    for (std::size_t k = count_++; k > before; --k) taken_[k] = taken_[k - 1];
    taken_[before] = now;
  }

 private:
  Table<Taken> taken_;
  std::size_t count_ = 0;
};

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
  detail::Occupied memory(lives.size());
  const detail::Table<std::size_t> order = detail::in_order_of_birth(lives);
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t i = order[k];
    const Lifetime& life = lives[i];
    if (life.floats == 0) continue;
    memory.free_before(life.first);
    const std::size_t floats = round_to_line(life.floats);
    const detail::Gap gap =
        life.shares < 0 ? memory.first_gap(floats)
                        : memory.at(layout.offsets[static_cast<std::size_t>(life.shares)]);
    layout.offsets[i] = gap.offset;
    const detail::Taken now{gap.offset, gap.offset + floats, life.last};
    memory.take(gap.before, now);
    layout.floats = now.end > layout.floats ? now.end : layout.floats;
  }
  return layout;
}

}  // namespace etch
