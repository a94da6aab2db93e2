// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <limits>

namespace etch {

/// What a network achieves on a data set: the mean loss, and the fraction classified right (NaN for
/// a loss that does not classify, or where nothing was measured).
struct Score {
  double loss = std::numeric_limits<double>::quiet_NaN();
  double accuracy = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace etch
