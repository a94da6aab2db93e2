// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_formula_case;
using layers::GoldenCase;

namespace {

/// A case with inputs between -4 and 4, and one with zero and far out, where exp overflows: there
/// generated code has to show what it can.
template <class Layer> void add(std::vector<GoldenCase>& cases, const std::string& name) {
  cases.push_back(golden_formula_case<Shape<7>, Layer>(name));
  cases.push_back(golden_case<Shape<5>, Layer>(name + "_extreme"));
}

}  // namespace

TEST_CASE("activations compute what PyTorch computes, far out too") {
  std::vector<GoldenCase> cases{
      golden_case<Shape<7>, ReLU>("relu"),
      golden_case<Shape<7>, LeakyReLU<>>("leaky_relu"),
      golden_formula_case<Shape<7>, LeakyReLU<0.2>>("leaky_relu_0.2"),
      golden_case<Shape<4, 5>, Softmax<>>("softmax_4x5"),
      golden_case<Shape<4, 5>, Softmax<0>>("softmax_axis0_4x5"),
      golden_case<Shape<4, 5>, LogSoftmax<>>("log_softmax_4x5"),
      golden_formula_case<Shape<4, 5>, Softmin<0>>("softmin_axis0_4x5"),
      golden_formula_case<Shape<8>, GLU<>>("glu"),
      golden_case<Shape<4>, GLU<>>("glu_extreme"),
      golden_formula_case<Shape<4, 3>, GLU<0>>("glu_axis0_4x3"),
      golden_case<Shape<2, 4, 3>, GLU<1>>("glu_axis1_2x4x3"),
  };
  add<Sigmoid>(cases, "sigmoid");
  add<Tanh>(cases, "tanh");
  add<GELU>(cases, "gelu");
  add<GELUTanh>(cases, "gelu_tanh");
  add<SiLU>(cases, "silu");
  add<Mish>(cases, "mish");
  add<ELU<>>(cases, "elu");
  add<ELU<0.5>>(cases, "elu_0.5");
  add<SELU>(cases, "selu");
  add<CELU<>>(cases, "celu");
  add<CELU<0.5>>(cases, "celu_0.5");
  add<Softplus<>>(cases, "softplus");
  add<Softplus<2.0>>(cases, "softplus_beta2");
  add<LogSigmoid>(cases, "log_sigmoid");
  add<Softsign>(cases, "softsign");
  add<Tanhshrink>(cases, "tanhshrink");
  add<Softmax<>>(cases, "softmax");
  add<LogSoftmax<>>(cases, "log_softmax");
  add<Softmin<>>(cases, "softmin");
  layers::check_golden("activations", cases);
}
