// SPDX-License-Identifier: BSL-1.0
// Prints the bits of what networks compute: forward, streams, gradients, and weights after 100
// steps. Built for several targets; the output has to be the same for all that have fused
// multiply-add.
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <vector>

#include "etch/train.hpp"

namespace {

using namespace etch;

/// FNV-1a over the bit patterns.
std::uint64_t hash(std::span<const float> values) {
  std::uint64_t h = 14695981039346656037u;
  for (const float v : values) h = (h ^ std::bit_cast<std::uint32_t>(v)) * 1099511628211u;
  return h;
}

std::vector<float> numbers(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(n);
  for (float& v : values) v = random.uniform(-2, 2);
  return values;
}

template <class Net, std::size_t batch> void print_forward(const char* name) {
  const auto parameters = std::make_unique<Parameters<Net>>();
  const auto workspace = std::make_unique<Workspace<Net, batch>>();
  initialize(*parameters, 3);
  constexpr std::size_t inputs = batch * InputShape<Net>::size;
  constexpr std::size_t outputs = batch * OutputShape<Net>::size;
  const auto x = numbers(inputs, 4);
  std::vector<float> y(outputs);
  infer<Net, batch>(*parameters, *workspace, std::span<const float, inputs>(x),
                    std::span<float, outputs>(y));
  std::printf("%s forward %zu: %016llx\n", name, batch,
              static_cast<unsigned long long>(hash(y)));
}

/// Twice as many steps as the type has.
template <class Net> void print_stream(const char* name) {
  const auto model = std::make_unique<StreamingModel<Net>>();
  initialize(model->parameters(), 3);
  constexpr std::size_t inputs = StreamingModel<Net>::inputs;
  const auto x = numbers(2 * InputShape<Net>::size, 8);
  std::vector<float> y;
  for (std::size_t i = 0; i < x.size(); i += inputs) {
    const auto now = (*model)(std::span<const float, inputs>(x.data() + i, inputs));
    y.insert(y.end(), now.begin(), now.end());
  }
  std::printf("%s stream: %016llx\n", name, static_cast<unsigned long long>(hash(y)));
}

template <class Net, class Loss, std::size_t batch> void print_training(const char* name) {
  constexpr std::size_t inputs = batch * InputShape<Net>::size;
  constexpr std::size_t targets = batch * Loss::template Target<OutputShape<Net>>::size;
  const auto x = numbers(inputs, 5);
  auto target = numbers(targets, 6);
  if constexpr (Loss::classifies) {
    for (float& t : target) t = static_cast<float>(static_cast<int>(t + 2));  // 0 .. 3
  }
  Trainer<Net, Loss, Adam, Batch<batch>> trainer({.seed = 7});
  for (int step = 0; step < 100; ++step) {
    trainer.step(std::span<const float, inputs>(x), std::span<const float, targets>(target));
    if (step == 0) {
      std::printf("%s gradients: %016llx\n", name,
                  static_cast<unsigned long long>(hash(trainer.gradients().data)));
    }
  }
  std::printf("%s weights after 100 steps: %016llx\n", name,
              static_cast<unsigned long long>(hash(trainer.parameters().data)));
}

using Dense = Network<Input<19>, Linear<33>, Tanh, LayerNorm<>, Linear<40>, GELU, Linear<5>>;
using Images = Network<Input<2, 11, 9>, Conv2d<5, 3, Padding<1>>, ReLU, MaxPool2d<2>,
                       Conv2d<6, 3>, BatchNorm2d<>, SiLU, Flatten, Linear<20>, Sigmoid,
                       Dropout<0.3>, Linear<4>>;
using Memory = Network<Input<10, 3>, LSTM<19>, Linear<3>>;
using Windows = Network<Input<3, 10>, Conv1d<21, 3, Causal<>>, Tanh, Conv1d<5, 2, Causal<>>>;
using ManyChannels = Network<Input<16, 12, 20>, Conv2d<16, 3, Padding<1>>, ReLU,
                             Conv2d<24, 3, Stride<2>, Padding<1>>, Tanh>;

}  // namespace

int main() {
  std::printf("%zu lanes\n", HWY_NAMESPACE::lanes);
  print_forward<Dense, 1>("dense");
  print_forward<Dense, 7>("dense");
  print_forward<Images, 1>("images");
  print_stream<Memory>("memory");
  print_stream<Windows>("windows");
  print_forward<ManyChannels, 2>("many channels");
  print_training<Dense, MSE, 7>("dense");
  print_training<Images, CrossEntropy, 5>("images");
}
