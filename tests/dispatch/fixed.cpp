// SPDX-License-Identifier: BSL-1.0
// Compiled twice, with different -m flags and names of the function.
#include "models.hpp"

models::Fixed models::RUN(const X& x) {
  Model<Dense> model(weights<Dense>());
  return {model(x), stack_bytes<Dense>};
}
