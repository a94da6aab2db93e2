// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_formula_case;

TEST_CASE("pooling layers compute what PyTorch computes") {
  using Even = Shape<2, 4, 6>;
  using Odd = Shape<2, 5, 7>;
  layers::check_golden(
      "pool",
      {
          golden_case<Even, MaxPool2d<2>>("max_pool2d_k2"),
          golden_case<Odd, MaxPool2d<2>>("max_pool2d_k2_odd"),
          golden_case<Odd, MaxPool2d<3, Stride<2>, Padding<1>>>("max_pool2d_k3_stride2_padding1"),
          golden_case<Odd, MaxPool2d<3, Stride<1>>>("max_pool2d_k3_stride1"),
          golden_case<Odd, MaxPool2d<{2, 3}, Stride<{1, 2}>, Padding<{0, 1}>>>(
              "max_pool2d_k2x3_stride1x2_padding0x1"),
          golden_case<Even, AvgPool2d<2>>("avg_pool2d_k2"),
          golden_case<Odd, AvgPool2d<2>>("avg_pool2d_k2_odd"),
          golden_case<Odd, AvgPool2d<3, Stride<2>, Padding<1>>>("avg_pool2d_k3_stride2_padding1"),
          golden_case<Shape<2, 3, 2>, Flatten>("flatten"),
          golden_case<Odd, AvgPool2d<3, Stride<2>, Padding<1>, CountIncludePad<false>>>(
              "avg_pool2d_k3_stride2_padding1_inside"),
          golden_formula_case<
              Odd, AvgPool2d<{4, 3}, Stride<{1, 2}>, Padding<{2, 0}>, CountIncludePad<false>>>(
              "avg_pool2d_k4x3_stride1x2_padding2x0_inside"),
          golden_case<Shape<2, 7>, MaxPool1d<2>>("max_pool1d_k2"),
          golden_formula_case<Shape<2, 7>, MaxPool1d<3, Stride<2>, Padding<1>>>(
              "max_pool1d_k3_stride2_padding1"),
          golden_case<Shape<2, 7>, AvgPool1d<2>>("avg_pool1d_k2"),
          golden_formula_case<Shape<2, 8>, AvgPool1d<3, Stride<2>, Padding<1>>>(
              "avg_pool1d_k3_stride2_padding1"),
          golden_formula_case<Shape<2, 8>,
                               AvgPool1d<3, Stride<2>, Padding<1>, CountIncludePad<false>>>(
              "avg_pool1d_k3_stride2_padding1_inside"),
      });
}

TEST_CASE("adaptive pooling layers compute what PyTorch computes") {
  layers::check_golden(
      "adaptive_pool",
      {
          golden_case<Shape<3, 4, 5>, GlobalAvgPool>("global_avg_pool_3x4x5"),
          golden_formula_case<Shape<3, 7>, GlobalAvgPool>("global_avg_pool_3x7"),
          golden_formula_case<Shape<2, 9>, AdaptiveAvgPool1d<3>>("adaptive_avg_pool1d_9_to_3"),
          golden_case<Shape<2, 7>, AdaptiveAvgPool1d<4>>("adaptive_avg_pool1d_7_to_4"),
          golden_formula_case<Shape<2, 3>, AdaptiveAvgPool1d<5>>("adaptive_avg_pool1d_3_to_5"),
          golden_formula_case<Shape<2, 4, 6>, AdaptiveAvgPool2d<{2, 3}>>(
              "adaptive_avg_pool2d_4x6_to_2x3"),
          golden_formula_case<Shape<2, 5, 7>, AdaptiveAvgPool2d<1>>(
              "adaptive_avg_pool2d_5x7_to_1x1"),
          golden_case<Shape<2, 5, 7>, AdaptiveAvgPool2d<{3, 2}>>("adaptive_avg_pool2d_5x7_to_3x2"),
          golden_formula_case<Shape<2, 6, 5>, AdaptiveAvgPool2d<{4, 5}>>(
              "adaptive_avg_pool2d_6x5_to_4x5"),
          golden_formula_case<Shape<2, 2, 5>, AdaptiveAvgPool2d<{3, 5}>>(
              "adaptive_avg_pool2d_2x5_to_3x5"),
      });
}
