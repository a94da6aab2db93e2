// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "gradient_driver.hpp"

using namespace etch;

namespace {

using Ends =
    layers::Around<Input<2, 9>, Conv1d<3, 2>, Conv1d<4, 3>, Conv1d<2, 2>>;  // [4, 6] in the middle

template <class... Layers> using Middle = layers::InTheMiddle<Ends, Layers...>;

}  // namespace

TEST_CASE("gradients through layers over one axis are those of central differences") {
  std::vector<layers::GradientCase> cases;
  Middle<Conv1d<3, 2, Stride<2>, Padding<1>>>::add<1, 5>(cases, "Conv1d");
  Middle<Conv1d<4, 3, Causal<>, Dilation<2>>, ReLU>::add<5>(cases, "causal Conv1d");
  Middle<Residual<Conv1d<4, 4, PaddingSame>, Tanh>>::add<5>(cases, "Conv1d, PaddingSame");
  Middle<ConvTranspose1d<2, 4, Stride<2>, Padding<1>>>::add<5>(cases, "ConvTranspose1d");
  Middle<MaxPool1d<2>>::add<5>(cases, "MaxPool1d");
  layers::check_gradients(cases);
}
