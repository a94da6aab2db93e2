// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"
#include "two_inputs.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_formula_case;
using layers::CutInTwo;
using layers::WithLength;

TEST_CASE("transformer layers compute what PyTorch computes") {
  using S = Shape<4, 6>;
  using Both = Shape<7, 6>;
  using None = Dropout<0.0>;  // PyTorch's numbers of a dropout are others than ours
  layers::check_golden(
      "transformer",
      {
          golden_batch_case<S, TransformerEncoderLayer<2, 8, None>>("encoder"),
          golden_formula_case<
              S, TransformerEncoderLayer<3, 8, NormFirst<>, Activation<GELU>, Causal<>,
                                         Epsilon<0.1>, None>>("encoder_norm_first"),
          golden_formula_case<Both, CutInTwo<TransformerDecoderLayer<2, 8, Causal<>, None>, 0, 4>>(
              "decoder"),
          golden_formula_case<
              Both, CutInTwo<TransformerDecoderLayer<2, 8, NormFirst<>, None>, 0, 4>>(
              "decoder_norm_first"),
          golden_formula_case<Shape<5, 6>, WithLength<TransformerEncoderLayer<2, 8, None>>>(
              "encoder_padded"),
          golden_formula_case<
              Shape<8, 6>, WithLength<TransformerDecoderLayer<2, 8, Causal<>, None>, 4>>(
              "decoder_padded"),
      });
}
