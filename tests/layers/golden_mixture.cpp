// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"
#include "two_inputs.hpp"

using namespace etch;
using layers::CutInTwo;
using layers::golden_batch_case;
using layers::golden_case;
using layers::golden_formula_case;

TEST_CASE("products, mixtures and shapes are those of PyTorch") {
  using Pair = CutInTwo<Bilinear<5>, -1, 4>;
  using Wide = Sequential<Linear<6>, Tanh, Linear<3>>;
  layers::check_golden(
      "mixture",
      {
          golden_batch_case<Shape<7>, Pair>("bilinear"),
          golden_formula_case<Shape<2, 7>, CutInTwo<Bilinear<5, Bias<false>>, -1, 4>>(
              "bilinear_sequence_no_bias"),
          golden_batch_case<Shape<3>, RBF<5>>("rbf"),
          golden_formula_case<Shape<2, 3>, RBF<5>>("rbf_sequence"),
          golden_batch_case<Shape<4>, MixtureOfExperts<Linear<3>, Wide>>("mixture_of_experts"),
          golden_formula_case<Shape<2, 4>, MixtureOfExperts<Linear<3>, Linear<3>, Linear<3>>>(
              "mixture_of_experts_sequence"),
          golden_batch_case<Shape<3, 2, 4>, Gram>("gram"),
          golden_case<Shape<4, 6>, Reshape<2, 6, 2>, Permute<1, 0, 2>>("reshape_permute"),
          golden_case<Shape<2, 4, 3>, Permute<1, 2, 0>, Reshape<4, 6>, Linear<2>>(
              "permute_reshape_linear"),
      });
}
