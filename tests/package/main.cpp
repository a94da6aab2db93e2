// SPDX-License-Identifier: BSL-1.0
#include <etch/etch.hpp>

#include <array>

using Net = etch::Network<etch::Input<2>, etch::Linear<3>, etch::ReLU, etch::Linear<1>>;

int main() {
  static etch::Model<Net> model;
  using namespace etch::literals;
  for (int i = 0; i < 3; ++i) model["0.weight"_k](i, 0) = model["2.weight"_k](0, i) = 1;
  model["2.bias"_k](0) = 0.5f;
  return model(std::array<float, 2>{2, 7})[0] == 6.5f ? 0 : 1;
}
