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

/// First fit in the order of birth: at each offset where something ends, lowest first.
constexpr Layout lay_out(const std::vector<Lifetime>& lives) {
  Layout layout{.offsets = detail::filled<std::size_t>(lives.size(), 0), .floats = 0};
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (lives[i].shares >= 0) {
      layout.offsets[i] = layout.offsets[static_cast<std::size_t>(lives[i].shares)];
      continue;
    }
    std::size_t offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t j = 0; j < i; ++j) {
        const std::size_t end = layout.offsets[j] + round_to_line(lives[j].floats);
        const bool in_time = lives[j].last >= lives[i].first && lives[j].first <= lives[i].last;
        const bool in_space = layout.offsets[j] < offset + lives[i].floats && offset < end;
        if (in_time && in_space) {
          offset = end;
          moved = true;
        }
      }
    }
    layout.offsets[i] = offset;
    const std::size_t end = offset + round_to_line(lives[i].floats);
    layout.floats = end > layout.floats ? end : layout.floats;
  }
  return layout;
}

}  // namespace etch
