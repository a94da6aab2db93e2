// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "gradient_driver.hpp"

using namespace etch;

namespace {

using Ends = layers::Around<Input<1, 5, 6>, Conv2d<2, 2, Padding<1>>, Conv2d<4, 3>,
                            Conv2d<2, 2>>;  // [4, 4, 5] in the middle

template <class... Layers> using Middle = layers::InTheMiddle<Ends, Layers...>;

}  // namespace

TEST_CASE("gradients through image layers in the middle are those of central differences") {
  std::vector<layers::GradientCase> cases;
  Middle<Conv2d<3, 3, Padding<1>>>::add<1, 5>(cases, "Conv2d with padding");
  Middle<Conv2d<3, {3, 2}, Stride<{2, 1}>, Padding<1>>>::add<5>(cases, "Conv2d with a stride");
  Middle<Conv2d<6, 2, Groups<2>>>::add<5>(cases, "Conv2d in groups");
  Middle<Conv2d<4, 3, Padding<1>, Groups<4>, Bias<false>>>::add<5>(cases, "depthwise Conv2d");
  Middle<Conv2d<3, 2, Dilation<2>>>::add<5>(cases, "dilated Conv2d");
  Middle<Conv2d<3, 2>, BatchNorm2d<>, ReLU, Dropout<0.3>>::add<5>(cases, "BatchNorm2d, Dropout");
  Middle<MaxPool2d<3, Stride<1>, Padding<1>>>::add<5>(cases, "MaxPool2d that overlaps");
  Middle<AvgPool2d<3, Stride<2>, Padding<1>>>::add<5>(cases, "AvgPool2d with padding");
  Middle<LayerNorm<Shape<4, 4, 5>>>::add<5>(cases, "LayerNorm");
  Middle<GroupNorm<2>, Hardswish>::add<1, 5>(cases, "GroupNorm and Hardswish");
  Middle<Residual<Conv2d<4, 3, Padding<1>>, ReLU>>::add<5>(cases, "Residual");
  layers::check_gradients(cases);
}
