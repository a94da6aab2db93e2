// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_formula_case;
using layers::GoldenCase;

TEST_CASE("normalisation layers compute what PyTorch computes") {
  using No = Affine<false>;
  using Yes = Affine<true>;
  using Matrix = Shape<4, 6>;
  using Sequence = Shape<4, 5>;
  using Image = Shape<2, 3, 4>;
  const std::vector<GoldenCase> cases{
      golden_case<Shape<6>, LayerNorm<>>("layer_norm_6"),
      golden_formula_case<Matrix, LayerNorm<Shape<6>>>("layer_norm_6_of_4x6"),
      golden_case<Matrix, LayerNorm<Matrix>>("layer_norm_4x6"),
      golden_formula_case<Shape<6>, LayerNorm<void, Epsilon<0.1>>>("layer_norm_6_eps0.1"),
      golden_formula_case<Shape<6>, LayerNorm<void, No>>("layer_norm_6_no_affine"),
      golden_formula_case<Shape<8>, LayerNorm<>>("layer_norm_8_small"),

      golden_formula_case<Shape<6>, GroupNorm<2>>("group_norm_2_of_6"),
      golden_formula_case<Sequence, GroupNorm<2>>("group_norm_2_of_4x5"),
      golden_case<Shape<6, 2, 3>, GroupNorm<3>>("group_norm_3_of_6x2x3"),
      golden_formula_case<Shape<3, 2, 2>, GroupNorm<1>>("group_norm_1_of_3x2x2"),
      golden_formula_case<Shape<3, 2, 3>, GroupNorm<3>>("group_norm_3_of_3x2x3"),
      golden_formula_case<Sequence, GroupNorm<2, Epsilon<0.1>>>("group_norm_2_of_4x5_eps0.1"),
      golden_formula_case<Sequence, GroupNorm<2, No>>("group_norm_2_of_4x5_no_affine"),
      golden_formula_case<Shape<4, 2>, GroupNorm<2>>("group_norm_2_of_4x2_far"),

      golden_case<Shape<3, 7>, InstanceNorm1d<>>("instance_norm1d"),
      golden_formula_case<Shape<3, 7>, InstanceNorm1d<Yes>>("instance_norm1d_affine"),
      golden_formula_case<Image, InstanceNorm2d<>>("instance_norm2d"),
      golden_case<Image, InstanceNorm2d<Yes, Epsilon<0.1>>>("instance_norm2d_affine_eps0.1"),

      golden_case<Shape<6>, RMSNorm<>>("rms_norm_6"),
      golden_formula_case<Matrix, RMSNorm<Shape<6>>>("rms_norm_6_of_4x6"),
      golden_formula_case<Matrix, RMSNorm<Matrix>>("rms_norm_4x6"),
      golden_formula_case<Shape<6>, RMSNorm<void, Epsilon<0.1>>>("rms_norm_6_eps0.1"),
      golden_formula_case<Shape<6>, RMSNorm<void, No>>("rms_norm_6_no_affine"),
      golden_formula_case<Shape<8>, RMSNorm<>>("rms_norm_8_small"),
  };
  layers::check_golden("norm", cases);
}
