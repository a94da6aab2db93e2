// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"
#include "two_inputs.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_formula_case;
using layers::CutInTwo;

TEST_CASE("transformer layers compute what PyTorch computes") {
  using S = Shape<4, 6>;
  using Both = Shape<7, 6>;
  layers::check_golden(
      "transformer",
      {
          golden_batch_case<S, TransformerEncoderLayer<2, 8>>("encoder"),
          golden_formula_case<
              S, TransformerEncoderLayer<3, 8, NormFirst<>, Activation<GELU>, Causal<>,
                                         Epsilon<0.1>>>("encoder_norm_first"),
          golden_formula_case<Both, CutInTwo<TransformerDecoderLayer<2, 8, Causal<>>, 0, 4>>(
              "decoder"),
          golden_formula_case<
              Both, CutInTwo<TransformerDecoderLayer<2, 8, NormFirst<>>, 0, 4>>(
              "decoder_norm_first"),
      });
}
