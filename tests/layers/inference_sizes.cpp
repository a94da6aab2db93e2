// SPDX-License-Identifier: BSL-1.0
#include <string>

#include "catch.hpp"
#include "program.hpp"

using namespace etch;

namespace {

struct InferenceCase {
  layers::Inference inference;
  Tape formula;
  layers::Numbers<float> parameters;
  std::vector<layers::Numbers<double>> shown;  ///< the same, as PyTorch has them
};

template <class Net, std::size_t batch> InferenceCase inference_case() {
  auto parameters = std::make_unique<Parameters<Net>>();
  initialize(*parameters, 7);
  InferenceCase result{layers::inference<Net, batch>(), network_tape<Net>(batch), {}, {}};
  result.parameters.assign(parameters->data, parameters->data + Parameters<Net>::floats);
  for (const PlacedParameter& p : parameter_table<Net>) {
    const auto named = layers::by_name({&p, &p + 1}, result.parameters);
    result.shown.push_back(layers::cast<double>(named.begin()->second));
  }
  return result;
}

/// Wherever the caller's memory starts, the result is the same to the bit, and that of the double
/// interpreter.
void check(const InferenceCase& c) {
  const layers::Inference& net = c.inference;
  const auto x = layers::scattered(net.batch * net.inputs, 11);
  const auto want = interpret<double>(c.formula, {x}, c.shown).at(0);
  const auto aligned = layers::infer(net, c.parameters, layers::cast<float>(x));
  INFO(net.inputs << " inputs, " << net.outputs << " outputs, batch " << net.batch);
  CHECK(layers::difference(aligned, want, {1e-5, 2e-6}) == "");
  for (std::size_t shift = 1; shift <= 3; ++shift) {
    CAPTURE(shift);
    CHECK(layers::infer(net, c.parameters, layers::cast<float>(x), shift) == aligned);
  }
}

template <class Net> void check_batches() {
  check(inference_case<Net, 1>());
  check(inference_case<Net, 3>());
  check(inference_case<Net, 32>());
}

template <std::size_t in, std::size_t hidden, std::size_t out>
using Mlp = Network<Input<in>, Linear<hidden>, Tanh, Linear<out>>;

}  // namespace

TEST_CASE("perceptrons of any size compute what the interpreter computes, wherever memory starts") {
  check_batches<Mlp<33, 1, 1>>();
  check_batches<Mlp<1, 33, 2>>();
  check_batches<Mlp<17, 3, 16>>();
  check_batches<Mlp<5, 15, 4>>();
  check_batches<Mlp<31, 7, 32>>();
  check_batches<Mlp<8, 9, 12>>();
  check_batches<Mlp<23, 24, 25>>();
  check_batches<Mlp<32, 16, 33>>();
  check_batches<Mlp<6, 31, 17>>();
}

TEST_CASE("convolution networks compute what the interpreter computes, wherever memory starts") {
  check_batches<Network<Input<1, 7, 9>, Conv2d<5, 3>, ReLU, MaxPool2d<2>, Flatten, Linear<10>>>();
  check_batches<Network<Input<3, 9, 8>, Conv2d<8, 3, Stride<2>, Padding<1>>, GELU, AvgPool2d<2>,
                        Flatten, Linear<3>, Softmax<>>>();
}
