// SPDX-License-Identifier: BSL-1.0
// One sample through small networks: the generated code, and the same tape in the interpreter.

#include <benchmark/benchmark.h>
#include <etch/etch.hpp>

#include <array>
#include <memory>

namespace {

using namespace etch;

using Policy = Network<Input<16>, Linear<64>, Tanh, Linear<64>, Tanh, Linear<4>>;
using Mlp = Network<Input<784>, Linear<128>, ReLU, Linear<64>, ReLU, Linear<10>>;
using LeNet = Network<Input<1, 28, 28>, Conv2d<6, 5>, ReLU, MaxPool2d<2>, Conv2d<16, 5>, ReLU,
                      MaxPool2d<2>, Flatten, Linear<120>, ReLU, Linear<84>, ReLU, Linear<10>>;

template <class Net> std::array<float, InputShape<Net>::size> some_input() {
  std::array<float, InputShape<Net>::size> x;
  Random random(1);
  for (float& v : x) v = random.uniform(-1, 1);
  return x;
}

template <class Net> void generated(benchmark::State& state) {
  const auto model = std::make_unique<Model<Net>>(1);
  const auto x = some_input<Net>();
  for (auto _ : state) {
    auto y = (*model)(x);
    benchmark::DoNotOptimize(y);
  }
}

template <class Net> void interpreted(benchmark::State& state) {
  const auto model = std::make_unique<Model<Net>>(1);
  Interpreter<float> interpreter(network_tape<Net>());
  set_parameters(interpreter, model->parameters());
  const auto x = some_input<Net>();
  for (auto _ : state) {
    interpreter.set_input(0, x);
    interpreter.run();
    benchmark::DoNotOptimize(interpreter.output(0)[0]);
  }
}

BENCHMARK(generated<Policy>)->Name("policy_16_64_64_4_tanh/etch");
BENCHMARK(interpreted<Policy>)->Name("policy_16_64_64_4_tanh/interpreter");
BENCHMARK(generated<Mlp>)->Name("mlp_784_128_64_10/etch");
BENCHMARK(interpreted<Mlp>)->Name("mlp_784_128_64_10/interpreter");
BENCHMARK(generated<LeNet>)->Name("lenet/etch");
BENCHMARK(interpreted<LeNet>)->Name("lenet/interpreter");

}  // namespace
