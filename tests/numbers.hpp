// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include "etch/data/random.hpp"

/// Always the same ones, between -2 and 2.
inline std::vector<float> numbers(std::size_t n) {
  etch::Random random(4);
  std::vector<float> values(n);
  for (float& v : values) v = random.uniform(-2, 2);
  return values;
}
