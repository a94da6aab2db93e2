// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "workload.hpp"

namespace bench {

/// Recurrent networks and convolutions over time, whose weights and inputs are drawn here.
void add_sequences(std::vector<Workload>& all);

}  // namespace bench
