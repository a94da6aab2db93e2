// SPDX-License-Identifier: BSL-1.0
// Compiled as an application would, without exceptions and RTTI: what this object file asks others
// for, symbols.cmake compares with a short list.
#include "hot_path.hpp"

#include "etch/network/flush_denormals.hpp"
#include "etch/network/live_parameters.hpp"
#include "etch/network/model.hpp"
#include "etch/network/quantized.hpp"
#include "etch/network/stream.hpp"
#include "etch/train.hpp"

namespace {

using namespace etch;

// Images and sequences are short, for what is counted instruction by instruction.

using LeNet = Network<Input<1, 16, 16>, Conv2d<6, 5>, ReLU, MaxPool2d<2>, Conv2d<16, 5>, ReLU,
                      MaxPool2d<2>, Flatten, Linear<24>, ReLU, Linear<10>>;
using Image = Network<Input<3, 8, 8>, Conv2d<4, 3, Padding<1>>, BatchNorm2d<>, ReLU,
                      Conv2d<8, Size2d{3, 7}, Padding<Size2d{1, 3}>>, BatchNorm2d<>, SiLU,
                      AvgPool2d<4>, Flatten, Linear<5>, Softmax<>>;
static_assert(etch::detail::by_winograd({.channels = 4, .height = 8, .width = 8, .outputs = 8,
                                         .out_height = 8, .out_width = 8, .kernel = {3, 7},
                                         .padding = {1, 3}}));
using Lstm = Network<Input<4, 5>, LSTM<24>, Linear<3>>;
using Gru = Network<Input<4, 5>, GRU<24>, Linear<3>>;
using Encoder = Network<Input<8, 16>, TransformerEncoderLayer<2, 32, Activation<GELU>>>;
template <std::size_t d>
using Gated = Residual<Conv1d<16, 3, Dilation<d>, Causal<>>, GLU<0>, Conv1d<8, 1>>;
using Wave = Network<Input<1, 64>, Conv1d<8, 1>, Gated<1>, Gated<4>, Conv1d<1, 1>>;

/// Runner: a model or a stream.
template <class Runner, std::size_t stack> struct Run {
  static inline Runner runner;
  static inline float x[Runner::inputs], y[Runner::outputs];

  static void run() noexcept { runner(x, y); }
  static HotPath path(const char* name, std::span<float> parameters = {}) {
    return {name, parameters, x, {}, y, run, stack};
  }
  static HotPath path_with_parameters(const char* name) {
    return path(name, runner.parameters().data);
  }
};

template <class Net> HotPath inference(const char* name) {
  return Run<Model<Net>, stack_bytes<Net>>::path_with_parameters(name);
}
template <class Net, std::size_t n = 1> HotPath stream(const char* name) {
  return Run<StreamingModel<Net, n>, stream_stack_bytes<Net, n>>::path_with_parameters(name);
}

constexpr Parameters<Mlp> some_weights = [] {
  Parameters<Mlp> p;
  for (std::size_t i = 0; i < p.floats; ++i) p.data[i] = float(i % 17) / 17 - 0.5f;
  return p;
}();

/// Its weights are not floats that anybody could fill in.
template <class T> HotPath quantized(const char* name) {
  using Net = Quantized<Mlp, T>;
  using Path = Run<Model<Net>, stack_bytes<Net>>;
  static constexpr Parameters<Net> small = quantize<T>(some_weights);
  Path::runner.parameters() = small;
  return Path::path(name);
}

struct WithSharedWeights : SharedModel<Mlp> {
  WithSharedWeights() noexcept : SharedModel(some_weights) {}
};

struct WithLiveWeights {
  static constexpr std::size_t inputs = InputShape<Mlp>::size, outputs = OutputShape<Mlp>::size;
  static inline LiveMlp::Reader* reader;
  Workspace<Mlp> workspace;

  void operator()(std::span<const float, inputs> x, std::span<float, outputs> y) noexcept {
    reader->read([&](const Parameters<Mlp>& newest) { infer<Mlp, 1>(newest, workspace, x, y); });
  }
};

struct WithoutDenormals : Model<Mlp> {
  void operator()(std::span<const float, inputs> x, std::span<float, outputs> y) noexcept {
    const FlushDenormals guard;
    Model::operator()(x, y);
  }
};

/// Tries what a step from the start would give, and forgets it.
struct Restored : StreamingModel<Lstm> {
  void operator()(std::span<const float, inputs> x, std::span<float, outputs> y) noexcept {
    const State<Lstm> before = save();
    reset();
    StreamingModel::operator()(x, y);
    restore(before);
  }
};

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

HotPaths hot_paths(LiveMlp::Reader& reader) noexcept {
  WithLiveWeights::reader = &reader;
  return {
      inference<Mlp>("MLP"),
      quantized<bf16>("MLP, bf16"),
      quantized<int8>("MLP, int8"),
      Run<WithSharedWeights, stack_bytes<Mlp>>::path("MLP, shared weights"),
      Run<WithLiveWeights, stack_bytes<Mlp>>::path("MLP, live weights"),
      Run<WithoutDenormals, stack_bytes<Mlp>>::path_with_parameters("MLP, denormals flushed"),
      inference<LeNet>("LeNet"),
      inference<Image>("convolutions"),
      inference<Lstm>("LSTM"),
      inference<Gru>("GRU"),
      inference<Encoder>("encoder"),
      stream<Lstm>("LSTM, a step"),
      Run<Restored, stream_stack_bytes<Lstm> + 2 * state_bytes<Lstm>>::path_with_parameters(
          "LSTM, a step from the start, state restored"),
      stream<Gru>("GRU, a step"),
      stream<Wave>("WaveNet, a step"),
      stream<Wave, 16>("WaveNet, 16 steps"),
      Learn<Mlp, MSE, Adam>::path("MLP, training"),
      Learn<Image, CrossEntropy, SGD>::path("convolutions, training"),
      Learn<Gru, MSE, Adam>::path("GRU, training"),
  };
}
