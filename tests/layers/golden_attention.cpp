// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"
#include "two_inputs.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_case;
using layers::golden_formula_case;
using layers::CutInTwo;
using layers::WithLength;

TEST_CASE("attention computes what PyTorch computes") {
  using S = Shape<5, 6>;
  layers::check_golden(
      "attention",
      {
          golden_batch_case<S, MultiheadAttention<2>>("self_attention"),
          golden_formula_case<S, MultiheadAttention<1, Bias<false>>>("self_attention_no_bias"),
          golden_formula_case<S, MultiheadAttention<3, Causal<>, InFeatures<6>>>(
              "self_attention_causal"),
          golden_formula_case<Shape<7, 6>, CutInTwo<MultiheadAttention<2>, 0, 4>>(
              "attention_to_memory"),
          golden_formula_case<Shape<7, 6>, CutInTwo<MultiheadAttention<2, Bias<false>>, 0, 2>>(
              "attention_to_memory_no_bias"),
          golden_batch_case<Shape<6, 6>, WithLength<MultiheadAttention<2>>>(
              "self_attention_padded"),
          golden_formula_case<Shape<6, 6>, WithLength<MultiheadAttention<2>>>(
              "self_attention_padded_to_none"),
          golden_formula_case<Shape<6, 6>, WithLength<MultiheadAttention<2, Causal<>>>>(
              "self_attention_padded_causal"),
          golden_case<Shape<8, 6>, WithLength<MultiheadAttention<2>, 4>>(
              "attention_to_memory_padded"),
      });
}
