// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

#include "../engine.hpp"

namespace bench {

/// The fastest of single calls over about 10 ms, at least two: for engines that have several ways
/// and take the better one here and now.
inline double least_seconds(Job& job) {
  using Clock = std::chrono::steady_clock;
  double least = std::numeric_limits<double>::infinity();
  const auto end = Clock::now() + std::chrono::milliseconds(10);
  int calls = 0;
  for (auto start = Clock::now(); ++calls <= 2 || start < end;) {
    job.run(1);
    const auto now = Clock::now();
    least = std::min(least, std::chrono::duration<double>(now - start).count());
    start = now;
  }
  return least;
}

}  // namespace bench
