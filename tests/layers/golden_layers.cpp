// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_case;

TEST_CASE("linear layers compute what PyTorch computes") {
  layers::check_golden(
      "linear",
      {
          golden_batch_case<Shape<5>, Linear<4>>("linear"),
          golden_batch_case<Shape<5>, Linear<4, Bias<false>>>("linear_no_bias"),
          golden_batch_case<Shape<4, 5>, Linear<6>>("linear_sequence"),
          golden_batch_case<Shape<19>, Linear<17>>("linear_wide"),
      });
}

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
      });
}

TEST_CASE("networks compute what PyTorch computes") {
  using Branch = Residual<Linear<6>, Tanh, Linear<6>>;
  layers::check_golden(
      "networks",
      {
          golden_batch_case<Shape<6>, Branch>("residual_mlp"),
          golden_batch_case<Shape<5>, Linear<6>, Branch, ReLU, Linear<3>>("residual_inside"),
          golden_batch_case<Shape<1, 4, 6>, Conv2d<4, 3, Padding<1>>, ReLU, MaxPool2d<2>, Flatten,
                      Linear<5>>("small_cnn"),
          golden_batch_case<Shape<5>, Linear<8>, GELU, LayerNorm<>, Linear<3>>(
              "mlp_gelu_layer_norm"),
      });
}
