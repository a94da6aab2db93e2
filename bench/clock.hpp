// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "engine.hpp"
#include "limits.hpp"

// How a job is timed on a machine that is not ours alone.

namespace bench {

inline double seconds_of(Job& job, std::size_t calls) {
  const auto start = std::chrono::steady_clock::now();
  job.run(calls);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Calls that take about `seconds` together, at least one.
inline std::size_t calls_in(Job& job, double seconds) {
  std::size_t calls = 1;
  for (;;) {
    const double took = std::min(seconds_of(job, calls), seconds_of(job, calls));
    if (took > seconds / 4) {
      const double wanted = static_cast<double>(calls) * seconds / took;
      return std::max<std::size_t>(1, static_cast<std::size_t>(wanted));
    }
    calls *= 4;
  }
}

struct Timing {
  double median = 0;      ///< seconds a call
  std::size_t dirty = 0;  ///< batches that had to be taken with a neighbour at work
};

/// The median of `batches` batches of `calls` calls. A batch counts if the probe is clean before
/// and after it; if the neighbour never rests, what there is must do, and is reported.
inline Timing time_job(Job& job, std::size_t calls, std::size_t batches, Probe& probe) {
  Timing timing;
  std::vector<double> times;
  std::size_t tries_left = 3 * batches;
  while (times.size() < batches) {
    const bool before = probe.clean();
    const double took = seconds_of(job, calls) / static_cast<double>(calls);
    const bool clean = probe.clean() && before;
    if (!clean && tries_left-- > batches - times.size()) continue;
    timing.dirty += clean ? 0 : 1;
    times.push_back(took);
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  timing.median = *middle;
  return timing;
}

}  // namespace bench
