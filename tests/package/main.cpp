// SPDX-License-Identifier: BSL-1.0
#include <etch/etch.hpp>

#include <array>

#include "policy.hpp"

int main() {
  static etch::Model<Net> model;
  using namespace etch::literals;
  for (int i = 0; i < 3; ++i) model["0.weight"_k](i, 0) = model["2.weight"_k](0, i) = 1;
  model["2.bias"_k](0) = 0.5f;
  static Policy policy(model.parameters());
  const std::array<float, 2> x = {2, 7};
  return model(x)[0] == 6.5f && policy(x)[0] == 6.5f ? 0 : 1;
}
