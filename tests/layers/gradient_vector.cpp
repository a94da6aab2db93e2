// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "formula.hpp"
#include "gradient_driver.hpp"

using namespace etch;
using namespace etch::literals;
using layers::Formula;

namespace {

using Ends = layers::Around<Input<4>, Linear<5>, Linear<6>, Linear<3>>;

template <class... Layers> using Middle = layers::InTheMiddle<Ends, Layers...>;

constexpr auto sign = [](auto x) { return where(x > 0_c, 1_c, -1_c); };
constexpr auto scaled = [](auto x, auto w) { return x / (1_c + w * w) + exp(w) * x * x; };

}  // namespace

TEST_CASE("gradients through vector layers in the middle are those of central differences") {
  std::vector<layers::GradientCase> cases;
  Middle<ReLU>::add<5>(cases, "ReLU");
  Middle<Tanh>::add<5>(cases, "Tanh");
  Middle<GELU>::add<5>(cases, "GELU");
  Middle<Softmax<>>::add<5>(cases, "Softmax");
  Middle<LogSoftmax<>>::add<5>(cases, "LogSoftmax");
  Middle<LayerNorm<>>::add<1, 5>(cases, "LayerNorm");
  Middle<Linear<6>, BatchNorm1d<>, Tanh>::add<5>(cases, "BatchNorm1d");
  Middle<Linear<6>, Dropout<0.4>, Tanh>::add<1, 5>(cases, "Dropout after a product");
  Middle<LayerNorm<>, Dropout<0.4>, Dropout<0.2>>::add<5>(cases, "Dropout, twice");
  Middle<PReLU<>>::add<1, 5>(cases, "PReLU");
  Middle<GLU<>>::add<5>(cases, "GLU");
  Middle<Linear<7>>::add<1, 5>(cases, "Linear");
  Middle<Linear<17, Bias<false>>>::add<5>(cases, "Linear without bias");
  Middle<Residual<Linear<6>, Tanh, Linear<6>>>::add<1, 5>(cases, "Residual");
  Middle<ReLU, LayerNorm<>, Sigmoid>::add<5>(cases, "three layers");
  Middle<Formula<scaled, Shape<6>>>::add<1, 5>(cases, "a user's layer");
  Middle<Linear<6>, Formula<sign>>::add<5>(cases, "a layer through which nothing flows back");
  layers::check_gradients(cases);
}
