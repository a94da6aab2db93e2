// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "gradient_driver.hpp"

using namespace etch;

namespace {

using Ends = layers::Around<Input<1, 5, 6>, Conv2d<2, 2, Padding<1>>, Conv2d<4, 3>,
                            Conv2d<2, 2>>;  // [4, 4, 5] in the middle
template <class... Layers> using Middle = layers::InTheMiddle<Ends, Layers...>;

}  // namespace

TEST_CASE("gradients through image layers that change the size are those of central differences") {
  std::vector<layers::GradientCase> cases;
  Middle<Conv2d<3, {2, 3}, PaddingSame>>::add<5>(cases, "Conv2d with PaddingSame");
  Middle<ConvTranspose2d<2, 3, Stride<2>, Padding<1>, OutputPadding<1>>, ReLU>::add<1, 5>(
      cases, "ConvTranspose2d");
  Middle<ConvTranspose2d<4, {2, 3}, Groups<2>>>::add<5>(cases, "ConvTranspose2d in groups");
  Middle<AvgPool2d<3, Stride<2>, Padding<1>, CountIncludePad<false>>>::add<5>(
      cases, "AvgPool2d without its padding");
  Middle<AdaptiveAvgPool2d<{3, 2}>>::add<5>(cases, "AdaptiveAvgPool2d");
  Middle<Upsample<2>>::add<1, 5>(cases, "Upsample, nearest");
  Middle<Upsample<{2, 1}, Mode<Interpolation::bilinear>>>::add<5>(cases, "Upsample, bilinear");
  Middle<ReflectionPad2d<{2, 1, 0, 1}>>::add<5>(cases, "ReflectionPad2d");
  layers::check_gradients(cases);
}
