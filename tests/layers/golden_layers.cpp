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
