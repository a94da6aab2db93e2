// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "etch/tape/layout.hpp"

namespace etch::detail {

/// Where the blocks of a network work that run one after the other, in floats.
template <std::size_t count> struct BlockLayout {
  std::array<std::size_t, count> result{}, scratch{};
  std::size_t floats = 0;
};

/// Each block's result lives until the next one has read it; the last is the caller's.
template <std::size_t count>
constexpr BlockLayout<count> lay_out_blocks(const std::array<std::size_t, count>& results,
                                            const std::array<std::size_t, count>& scratch) {
  std::vector<Lifetime> lives;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t floats = i + 1 < count ? results[i] : 0;
    lives.push_back({.floats = floats, .first = i, .last = i + 1});
    lives.push_back({.floats = scratch[i], .first = i, .last = i});
  }
  const Layout layout = lay_out(lives);
  BlockLayout<count> blocks{.floats = layout.floats};
  for (std::size_t i = 0; i < count; ++i) {
    blocks.result[i] = layout.offsets[2 * i];
    blocks.scratch[i] = layout.offsets[2 * i + 1];
  }
  return blocks;
}

}  // namespace etch::detail
