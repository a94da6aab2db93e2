// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_case;
using layers::golden_formula_case;

TEST_CASE("convolution layers compute what PyTorch computes") {
  using Image = Shape<2, 5, 7>;
  layers::check_golden(
      "conv",
      {
          golden_batch_case<Image, Conv2d<3, 3>>("conv2d_k3"),
          golden_formula_case<Image, Conv2d<3, 3, Stride<2>>>("conv2d_k3_stride2"),
          golden_batch_case<Image, Conv2d<3, 3, Padding<1>>>("conv2d_k3_padding1"),
          golden_batch_case<Image, Conv2d<3, 3, Stride<2>, Padding<1>>>(
              "conv2d_k3_stride2_padding1"),
          golden_formula_case<Image, Conv2d<3, {3, 2}, Stride<{2, 1}>, Padding<{1, 0}>>>(
              "conv2d_k3x2_stride2x1_padding1x0"),
          golden_batch_case<Shape<4, 5, 4>, Conv2d<6, 3, Groups<2>>>("conv2d_k3_groups2"),
          golden_batch_case<Shape<3, 5, 4>, Conv2d<3, 3, Padding<1>, Groups<3>>>(
              "conv2d_k3_padding1_depthwise"),
          golden_formula_case<Shape<3, 5, 4>, Conv2d<6, 3, Groups<3>>>(
              "conv2d_k3_depthwise_multiplier2"),
          golden_batch_case<Image, Conv2d<3, 3, Dilation<2>>>("conv2d_k3_dilation2"),
          golden_formula_case<Shape<1, 5, 7>, Conv2d<2, 3, Padding<2>, Dilation<2>>>(
              "conv2d_k3_padding2_dilation2"),
          golden_formula_case<Image, Conv2d<3, 3, Bias<false>>>("conv2d_k3_no_bias"),
          golden_batch_case<Shape<3, 3, 5>, Conv2d<4, 1>>("conv2d_k1"),
          golden_formula_case<Image, Conv2d<3, 2, Stride<2>>>("conv2d_k2_stride2"),
          golden_formula_case<Image, Conv2d<3, 3, PaddingSame>>("conv2d_k3_same"),
          golden_case<Image, Conv2d<3, {2, 4}, PaddingSame, Dilation<{3, 1}>>>(
              "conv2d_k2x4_same_dilation3x1"),
      });
}
