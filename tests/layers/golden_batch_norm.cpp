// SPDX-License-Identifier: BSL-1.0
// Layers that know their batch, and layers side by side.
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_case;
using layers::golden_formula_case;

TEST_CASE("batch normalisation computes what PyTorch computes, in training and in inference") {
  using Image = Shape<3, 2, 2>;
  layers::check_golden(
      "batch_norm",
      {
          golden_case<Shape<5>, BatchNorm1d<>>("batch_norm1d"),
          golden_formula_case<Shape<4, 3>, BatchNorm1d<>>("batch_norm1d_sequence"),
          golden_case<Shape<3, 2, 5>, BatchNorm2d<>>("batch_norm2d"),
          golden_formula_case<Image, BatchNorm2d<Epsilon<0.1>, Momentum<0.3>>>(
              "batch_norm2d_eps0.1_momentum0.3"),
          golden_case<Image, BatchNorm2d<Affine<false>>>("batch_norm2d_no_affine"),
          golden_batch_case<Shape<2, 3, 4>, Conv2d<4, 3, Padding<1>>, BatchNorm2d<>, ReLU>(
              "conv_batch_norm_relu"),
          golden_batch_case<Shape<4>, Linear<6>, BatchNorm1d<>, Tanh, Linear<3>>(
              "linear_batch_norm_tanh_linear"),
      });
}

TEST_CASE("layers side by side compute what PyTorch computes") {
  using Vector = Shape<4>;
  layers::check_golden(
      "branches",
      {
          golden_batch_case<Shape<2, 3, 4>,
                            Concat<0, Conv2d<3, 1>,
                                   Sequential<Conv2d<2, 1>, ReLU, Conv2d<4, 3, Padding<1>>>,
                                   Sequential<>>>("inception"),
          golden_formula_case<Shape<2, 4>, Concat<-1, Linear<3>, Tanh>>("concat_last_axis"),
          golden_formula_case<Vector, Sum<Linear<4>, Tanh, Sequential<Linear<5>, ReLU, Linear<4>>>>(
              "sum"),
          golden_case<Vector, Multiply<Linear<5>, Sequential<Linear<5>, Sigmoid>>>("gate"),
      });
}
