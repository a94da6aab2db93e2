// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine.hpp"

// The slowest calls: each one timed by itself.

namespace bench {

/// Nanoseconds.
struct Tail {
  double p50 = 0, p99 = 0, p99_9 = 0, max = 0;
};

/// A call's time includes reading the clock once, about 20 ns here.
inline Tail tail_of(Job& job, std::size_t calls) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::uint32_t> times(calls);
  job.run(std::min<std::size_t>(calls, 1000));
  Clock::time_point last = Clock::now();
  for (std::uint32_t& t : times) {
    job.run(1);
    const Clock::time_point now = Clock::now();
    t = static_cast<std::uint32_t>((now - last).count());
    last = now;
  }
  std::ranges::sort(times);
  const auto at = [&](double share) {
    const double last_index = static_cast<double>(times.size() - 1);
    return static_cast<double>(times[static_cast<std::size_t>(share * last_index)]);
  };
  return {at(0.5), at(0.99), at(0.999), at(1)};
}

}  // namespace bench
