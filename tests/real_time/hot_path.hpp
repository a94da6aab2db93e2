// SPDX-License-Identifier: BSL-1.0
// What a real-time thread runs, behind plain functions: the tests know nothing of networks.
#pragma once

#include <array>
#include <cstddef>
#include <span>

/// A model, a stream or a training; its memory is static.
struct HotPath {
  const char* name;
  std::span<float> parameters, x, target, y;  ///< target: of a training, else empty
  void (*run)() noexcept;                     ///< y from x; of a training one step, its loss to y
  std::size_t stack_bytes;                    ///< the budget
};

using HotPaths = std::array<HotPath, 15>;
HotPaths hot_paths() noexcept;
