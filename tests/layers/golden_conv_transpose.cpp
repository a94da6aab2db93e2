// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_case;
using layers::golden_formula_case;

TEST_CASE("transposed convolutions compute what PyTorch computes") {
  using Sequence = Shape<4, 5>;
  using Image = Shape<4, 3, 4>;
  layers::check_golden(
      "conv_transpose",
      {
          golden_formula_case<Sequence, ConvTranspose1d<2, 3>>("conv_transpose1d_k3"),
          golden_case<Sequence, ConvTranspose1d<2, 4, Stride<2>, Padding<1>>>(
              "conv_transpose1d_k4_stride2_padding1"),
          golden_formula_case<Sequence, ConvTranspose1d<2, 3, Stride<3>, OutputPadding<2>>>(
              "conv_transpose1d_k3_stride3_output_padding2"),
          golden_formula_case<Sequence, ConvTranspose1d<2, 3, Dilation<2>, OutputPadding<1>>>(
              "conv_transpose1d_k3_dilation2_output_padding1"),
          golden_formula_case<Sequence, ConvTranspose1d<6, 3, Groups<2>, Bias<false>>>(
              "conv_transpose1d_k3_groups2_no_bias"),
          golden_formula_case<Image, ConvTranspose2d<2, 3>>("conv_transpose2d_k3"),
          golden_batch_case<Image, ConvTranspose2d<3, 2, Stride<2>>>("conv_transpose2d_k2_stride2"),
          golden_formula_case<
              Image, ConvTranspose2d<2, 3, Stride<2>, Padding<1>, OutputPadding<1>>>(
              "conv_transpose2d_k3_stride2_padding1_output_padding1"),
          golden_formula_case<Image, ConvTranspose2d<2, {3, 2}, Stride<{2, 3}>, Padding<{1, 0}>,
                                                      OutputPadding<{0, 2}>>>(
              "conv_transpose2d_k3x2_stride2x3_padding1x0_output_padding0x2"),
          golden_formula_case<Image, ConvTranspose2d<2, 3, Dilation<2>>>(
              "conv_transpose2d_k3_dilation2"),
          golden_formula_case<
              Image, ConvTranspose2d<2, 2, Stride<2>, Dilation<3>, OutputPadding<2>>>(
              "conv_transpose2d_k2_stride2_dilation3_output_padding2"),
          golden_formula_case<Image, ConvTranspose2d<6, 3, Groups<2>>>(
              "conv_transpose2d_k3_groups2"),
          golden_formula_case<Image, ConvTranspose2d<4, 2, Stride<2>, Groups<4>>>(
              "conv_transpose2d_k2_stride2_depthwise"),
          golden_formula_case<Image, ConvTranspose2d<2, 1, Padding<1>>>(
              "conv_transpose2d_k1_padding1"),
          golden_formula_case<Image, ConvTranspose2d<2, 3, Bias<false>>>(
              "conv_transpose2d_k3_no_bias"),
      });
}
