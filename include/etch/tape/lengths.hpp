// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace etch {

/// How far a kernel goes along its axes: those whose bit is set in `vary` go as far as a run says,
/// to n / longest of their extent for a run of length n <= longest; the others to the end. Strides
/// do not change.
struct Lengths {
  std::size_t vary = 0, longest = 0;

  constexpr bool varies(std::size_t axis) const { return (vary >> axis & 1) != 0; }

  constexpr std::size_t of(std::size_t axis, std::size_t extent, std::size_t n) const {
    return varies(axis) ? extent / longest * n : extent;
  }

  constexpr bool operator==(const Lengths&) const = default;
};

}  // namespace etch
