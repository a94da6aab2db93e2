// SPDX-License-Identifier: BSL-1.0
// A recurrent network is trained on sequences and then runs one step a call, as a plug-in or a
// controller would: it guesses the next sample of a signal.

#include <etch/train.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <memory>

constexpr std::size_t steps = 32, batch = 8;

using Net = etch::Network<etch::Input<steps, 1>, etch::GRU<16>, etch::Linear<1>>;

/// Two tones, somewhere in their course.
float signal(std::size_t t) {
  const auto s = static_cast<float>(t);
  return 0.5f * std::sin(0.3f * s) + 0.3f * std::sin(0.71f * s + 1);
}

int main() {
  etch::Trainer<Net, etch::MSE, etch::Adam, etch::Batch<batch>> trainer(
      {.seed = 1, .optimizer = {.lr = 0.01f}});
  std::array<float, batch * steps> x, next;
  float loss = 0;
  for (std::size_t step = 0; step < 400; ++step) {
    for (std::size_t i = 0; i < batch * steps; ++i) {
      const std::size_t t = 1000 * (step % 7) + 131 * (i / steps) + i % steps;
      x[i] = signal(t);
      next[i] = signal(t + 1);
    }
    loss = trainer.step(x, next);
  }
  std::printf("trained to a mean squared error of %.5f\n", static_cast<double>(loss));

  // The same network, a sample a call: weights, a few states, and no heap from here on.
  const auto model = std::make_unique<etch::StreamingModel<Net>>(trainer.parameters());
  static_assert(etch::latency<Net> == 0 && etch::state_bytes<Net> <= 256);
  float error = 0;
  for (std::size_t t = 0; t < 500; ++t) {
    const float guess = (*model)(std::array{signal(t)})[0];
    if (t >= 100) error = std::max(error, std::abs(guess - signal(t + 1)));
  }
  std::printf("500 samples, one a call: never off by more than %.3f after the first 100\n",
              static_cast<double>(error));
  return error < 0.2f ? 0 : 1;
}
