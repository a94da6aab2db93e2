// SPDX-License-Identifier: BSL-1.0
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_formula_case;
using layers::GoldenCase;

namespace {

/// A case with inputs between -8 and 8, and one where the pieces meet, and far out.
template <class Layer> void add(std::vector<GoldenCase>& cases, const std::string& name) {
  cases.push_back(golden_formula_case<Shape<7>, Layer>(name));
  cases.push_back(golden_case<Shape<4>, Layer>(name + "_edges"));
}

std::vector<GoldenCase> cases_of_all_layers() {
  std::vector<GoldenCase> cases;
  add<ReLU6>(cases, "relu6");
  add<PReLU<>>(cases, "prelu");
  add<Hardtanh<>>(cases, "hardtanh");
  add<Hardtanh<-2.5, 0.5>>(cases, "hardtanh_-2.5_0.5");
  add<Hardsigmoid>(cases, "hardsigmoid");
  add<Hardswish>(cases, "hardswish");
  add<Hardshrink<>>(cases, "hardshrink");
  add<Hardshrink<1.0>>(cases, "hardshrink_1");
  add<Softshrink<>>(cases, "softshrink");
  add<Softshrink<1.0>>(cases, "softshrink_1");
  add<Threshold<0.5, -2.0>>(cases, "threshold_0.5_-2");
  add<Heaviside>(cases, "heaviside");
  return cases;
}

}  // namespace

TEST_CASE("layers of straight pieces compute what PyTorch computes, where the pieces meet too") {
  std::vector<GoldenCase> cases = cases_of_all_layers();
  cases.push_back(golden_formula_case<Shape<4>, PReLU<4>>("prelu_4_of_4"));
  cases.push_back(golden_case<Shape<4, 5>, PReLU<4>>("prelu_4_of_4x5"));
  cases.push_back(golden_formula_case<Shape<2, 3, 2>, PReLU<2>>("prelu_2_of_2x3x2"));
  layers::check_golden("piecewise", cases);
}

TEST_CASE("NaN stays NaN, but Heaviside has two values only") {
  const layers::Numbers<float> x(4, std::numeric_limits<float>::quiet_NaN());
  for (const GoldenCase& c : cases_of_all_layers()) {
    INFO(c.name);
    const layers::Numbers<float> weights(c.training.parameter_floats, 1);
    for (const layers::Inference& run : c.inference) {
      for (const float y : layers::infer(run, weights, x)) {
        CHECK((c.name == "heaviside_edges" ? y == 0 : std::isnan(y)));
      }
    }
  }
}

TEST_CASE("a learned slope starts at PyTorch's 0.25, or where the user says") {
  constexpr Init usual = parameter_table<Network<Input<4>, PReLU<>>>[0].info.init;
  constexpr Init half = parameter_table<Network<Input<4>, PReLU<4, 0.5>>>[0].info.init;
  static_assert(usual == Init{Init::Kind::constant, 0.25});
  static_assert(half == Init{Init::Kind::constant, 0.5});
}
