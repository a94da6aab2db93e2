// SPDX-License-Identifier: BSL-1.0
// Prints the bits of what networks compute: functions, forward, streams, gradients, and weights
// after 100 steps. Built for several targets, on several machines: those that have fused
// multiply-add have to print fused.txt, all others unfused.txt, after the first line.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include "bits.hpp"
#include "etch/network/quantized.hpp"
#include "etch/train.hpp"
#include "policy.hpp"

namespace {

using namespace etch;

std::vector<float> numbers(std::size_t n, std::uint64_t seed) {
  std::vector<float> values(n);
  fill(values, seed);
  return values;
}

void print_hash(const char* name, std::span<const float> values) {
  std::printf("%s: %016llx\n", name, static_cast<unsigned long long>(hash(values)));
}

/// Functions of numbers, of a and b in [2, n].
struct Functions {
  static constexpr const char* names[] = {
      "exp",  "expm1",   "log", "log1p", "sqrt", "rsqrt", "sin", "cos",
      "tanh", "sigmoid", "erf", "relu",  "max",  "min",   "pow", "divide"};

  template <Expr X> static constexpr auto formula(X x) {
    const auto a = select<0, 0>(x);
    const auto b = select<0, 1>(x);
    return concat<0>(exp(a), expm1(a), log(a), log1p(a), sqrt(a), rsqrt(a), sin(a), cos(a),
                     tanh(a), sigmoid(a), erf(a), relu(a), max(a, b), min(a, b), pow(abs(a), b),
                     a / b);
  }
};

/// At floats of all magnitudes, denormals, infinities and NaN among them.
void print_functions() {
  using Net = Network<Input<2, 4096>, Functions>;
  constexpr std::size_t inputs = InputShape<Net>::size, outputs = OutputShape<Net>::size;
  const auto workspace = std::make_unique<Workspace<Net>>();
  std::vector<float> x(inputs), y(outputs);
  Random random(9);
  for (float& v : x) v = std::bit_cast<float>(random());
  infer<Net, 1>({}, *workspace, std::span<const float, inputs>(x), std::span<float, outputs>(y));
  constexpr std::size_t each = outputs / std::size(Functions::names);
  for (std::size_t i = 0; i < std::size(Functions::names); ++i) {
    print_hash(Functions::names[i], std::span<const float>(y).subspan(i * each, each));
  }
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

/// With smaller weights.
template <class Net, class T> void print_quantized(const char* name) {
  using Small = Quantized<Net, T>;
  Parameters<Net> floats;
  initialize(floats, 3);
  Model<Small> model(quantize<T>(floats));
  const auto x = numbers(InputShape<Net>::size, 4);
  print_hash(name, model(std::span<const float, InputShape<Net>::size>(x)));
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
using Encoder = Network<Input<6, 20>, TransformerEncoderLayer<2, 24>>;
using ManyChannels = Network<Input<16, 12, 20>, Conv2d<16, 3, Padding<1>>, ReLU,
                             Conv2d<24, 3, Stride<2>, Padding<1>>, Tanh>;

}  // namespace

int main() {
  std::printf("%zu lanes, %s\n", HWY_NAMESPACE::lanes, HWY_NATIVE_FMA ? "fused" : "unfused");
  print_functions();
  const auto workspace = std::make_unique<Workspace<Policy>>();
  print_hash("policy", run_policy(*workspace));
  print_forward<Dense, 1>("dense");
  print_forward<Dense, 7>("dense");
  print_quantized<Dense, bf16>("dense, bf16");
  print_quantized<Dense, int8>("dense, int8");
  print_forward<Images, 3>("images");
  print_stream<Memory>("memory");
  print_stream<Windows>("windows");
  print_forward<ManyChannels, 2>("many channels");
  print_training<Dense, MSE, 7>("dense");
  print_training<Images, CrossEntropy, 5>("images");
  print_training<Encoder, MSE, 2>("encoder");
}
