// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "workload.hpp"

// What this core can do at best, measured here and now, and how long a workload takes at that rate.

namespace bench {

struct Limits {
  double flops = 0;  ///< floating-point operations a second; a multiply-add counts as two
  double l1 = 0, l2 = 0, l3 = 0;  ///< bytes read a second, from an array that fits that cache
  double tanh = 0, exp = 0;  ///< a second over an array in L1, by etch's own
};

/// Takes about half a second; the best of many short runs, so that a busy neighbour does no harm.
Limits measure_limits();

/// Seconds below which this core cannot run it: the arithmetic at the peak rate and tanh, sigmoid
/// (a tanh of half its argument) and exp at theirs, or one read of every weight from the cache that
/// holds them all (in training also of its gradient and both moments), whichever takes longer.
double limit(const Workload&, const Limits&);
double limit(const Product&, const Limits&);

/// Tells whether someone else is at work on the other half of this core: a short piece of pure
/// arithmetic takes longer then.
class Probe {
 public:
  Probe();
  /// About two microseconds.
  bool clean();

 private:
  double seconds();
  double best_;
};

}  // namespace bench
