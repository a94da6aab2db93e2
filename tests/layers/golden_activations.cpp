// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_training_case;
using layers::GoldenCase;

namespace {

/// A case with inputs between -4 and 4, and one far out where exp overflows.
template <class Layer> void add(std::vector<GoldenCase>& cases, const std::string& name) {
  cases.push_back(golden_case<Shape<7>, Layer>(name));
  cases.push_back(golden_training_case<Shape<5>, Layer>(name + "_extreme"));
}

}  // namespace

TEST_CASE("activations compute what PyTorch computes, far out too") {
  std::vector<GoldenCase> cases{
      golden_case<Shape<7>, ReLU>("relu"),
      golden_case<Shape<7>, LeakyReLU<>>("leaky_relu"),
      golden_case<Shape<7>, LeakyReLU<0.2>>("leaky_relu_0.2"),
      golden_case<Shape<4, 5>, Softmax<>>("softmax_4x5"),
      golden_case<Shape<4, 5>, Softmax<0>>("softmax_axis0_4x5"),
      golden_case<Shape<4, 5>, LogSoftmax<>>("log_softmax_4x5"),
  };
  add<Sigmoid>(cases, "sigmoid");
  add<Tanh>(cases, "tanh");
  add<GELU>(cases, "gelu");
  add<GELUTanh>(cases, "gelu_tanh");
  add<SiLU>(cases, "silu");
  add<ELU<>>(cases, "elu");
  add<ELU<0.5>>(cases, "elu_0.5");
  add<Softplus<>>(cases, "softplus");
  add<Softplus<2.0>>(cases, "softplus_beta2");
  add<Softmax<>>(cases, "softmax");
  add<LogSoftmax<>>(cases, "log_softmax");
  layers::check_golden("activations", cases);
}
