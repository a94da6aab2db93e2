// SPDX-License-Identifier: BSL-1.0
#include <etch/train.hpp>

#include <array>
#include <cstdio>

using Net = etch::Network<etch::Input<2>, etch::Linear<8>, etch::Tanh, etch::Linear<1>>;

int main() {
  constexpr std::array<float, 8> x = {0, 0, 0, 1, 1, 0, 1, 1};
  constexpr std::array<float, 4> exclusive_or = {0, 1, 1, 0};

  etch::Trainer<Net, etch::BCEWithLogits, etch::Adam, etch::Batch<4>> trainer(
      {.seed = 1, .optimizer = {.lr = 0.05f}});
  for (int step = 0; step < 300; ++step) trainer.step(x, exclusive_or);

  etch::Model<Net> model(trainer.parameters());  // no heap, no lock, no exception from here on
  for (std::size_t i = 0; i < 4; ++i) {
    const std::array<float, 2> input = {x[2 * i], x[2 * i + 1]};
    std::printf("%g xor %g = %d\n", input[0], input[1], model(input)[0] > 0);
  }
  static_assert(etch::parameter_count<Net> == 33 && etch::workspace_bytes<Net> <= 128);
}
