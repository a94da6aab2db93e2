// SPDX-License-Identifier: BSL-1.0
// Compiled as an application would, without exceptions and RTTI: what this object file asks others
// for, symbols.cmake compares with a short list.
#include "hot_path.hpp"

#include "etch/network/model.hpp"
#include "etch/network/quantized.hpp"
#include "etch/network/stream.hpp"
#include "etch/train.hpp"

namespace {

using namespace etch;

using Mlp = Network<Input<24>, Linear<32>, Tanh, Linear<16>, GELU, Linear<4>>;
using LeNet = Network<Input<1, 28, 28>, Conv2d<6, 5>, ReLU, MaxPool2d<2>, Conv2d<16, 5>, ReLU,
                      MaxPool2d<2>, Flatten, Linear<120>, ReLU, Linear<84>, ReLU, Linear<10>>;
/// The second convolution goes by Winograd's way.
using Image = Network<Input<3, 12, 12>, Conv2d<16, 3, Padding<1>>, BatchNorm2d<>, ReLU,
                      Conv2d<24, 3, Padding<1>>, BatchNorm2d<>, SiLU, AvgPool2d<3>, Flatten,
                      Linear<5>, Softmax<>>;
using Lstm = Network<Input<16, 5>, LSTM<24>, Linear<3>>;
using Gru = Network<Input<16, 5>, GRU<24>, Linear<3>>;
using Encoder = Network<Input<8, 16>, TransformerEncoderLayer<2, 32, Activation<GELU>>>;
template <std::size_t d>
using Gated = Residual<Conv1d<16, 3, Dilation<d>, Causal<>>, GLU<0>, Conv1d<8, 1>>;
using Wave = Network<Input<1, 64>, Conv1d<8, 1>, Gated<1>, Gated<4>, Conv1d<1, 1>>;

/// Runner: a model or a stream.
template <class Runner, std::size_t stack> struct Run {
  static inline Runner runner;
  static inline float x[Runner::inputs], y[Runner::outputs];

  static void run() noexcept { runner(x, y); }
  static HotPath path(const char* name) {
    return {name, runner.parameters().data, x, {}, y, run, stack};
  }
};

template <class Net> HotPath inference(const char* name) {
  return Run<Model<Net>, stack_bytes<Net>>::path(name);
}
template <class Net, std::size_t n = 1> HotPath stream(const char* name) {
  return Run<StreamingModel<Net, n>, stream_stack_bytes<Net, n>>::path(name);
}

constexpr Parameters<Mlp> some_weights = [] {
  Parameters<Mlp> p;
  for (std::size_t i = 0; i < p.floats; ++i) p.data[i] = float(i % 17) / 17 - 0.5f;
  return p;
}();

/// Its weights are not floats that anybody could fill in.
template <class T> HotPath quantized(const char* name) {
  using Net = Quantized<Mlp, T>;
  static constexpr Parameters<Net> small = quantize<T>(some_weights);
  Run<Model<Net>, stack_bytes<Net>>::runner.parameters() = small;
  HotPath path = inference<Net>(name);
  path.parameters = {};
  return path;
}

template <class Net, class Loss, class Optimizer> struct Learn {
  static inline Training<Net, Loss, Optimizer, 4> training{1};
  static inline float loss[1];

  static void run() noexcept {
    loss[0] = training.step(Optimizer{}, training.x, training.target);
  }
  static HotPath path(const char* name) {
    std::ranges::fill(training.weight, 0.25f);
    return {name, training.parameters.data, training.x, training.target, loss, run,
            training.stack_bytes};
  }
};

}  // namespace

/// Compiled and not run, for making a trainer allocates.
float step(Trainer<Mlp, MSE, Adam, Batch<4>>& trainer, std::span<const float, 96> x,
           std::span<const float, 16> target) noexcept {
  return trainer.step(x, target);
}

HotPaths hot_paths() noexcept {
  return {
      inference<Mlp>("MLP"),
      quantized<bf16>("MLP, bf16"),
      quantized<int8>("MLP, int8"),
      inference<LeNet>("LeNet"),
      inference<Image>("convolutions"),
      inference<Lstm>("LSTM"),
      inference<Gru>("GRU"),
      inference<Encoder>("encoder"),
      stream<Lstm>("LSTM, a step"),
      stream<Gru>("GRU, a step"),
      stream<Wave>("WaveNet, a step"),
      stream<Wave, 16>("WaveNet, 16 steps"),
      Learn<Mlp, MSE, Adam>::path("MLP, training"),
      Learn<Image, CrossEntropy, SGD>::path("convolutions, training"),
      Learn<Gru, MSE, Adam>::path("GRU, training"),
  };
}
