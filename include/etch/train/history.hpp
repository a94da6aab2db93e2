// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "etch/train/progress.hpp"
#include "etch/train/score.hpp"

namespace etch {

/// The number of samples in a step of training.
template <std::size_t n> struct Batch {
  static_assert(n > 0, "etch: a batch has at least one sample");
  static constexpr std::size_t size = n;
};

/// One epoch: the training score is the mean over its steps, taken as they went by.
struct EpochRecord {
  Score train{};
  Score validation{};
  double seconds = 0;
};

struct History {
  std::vector<EpochRecord> epochs{};
};

template <class Optimizer> struct TrainerOptions {
  std::size_t epochs = 10;
  std::uint64_t seed = 0;  ///< of the initial parameters and of the order of the samples
  Optimizer optimizer{};
  ProgressOptions progress{};
};

}  // namespace etch
