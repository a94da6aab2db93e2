// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_case;
using layers::golden_formula_case;

TEST_CASE("one-dimensional convolutions compute what PyTorch computes") {
  using Sequence = Shape<2, 9>;
  layers::check_golden(
      "conv1d",
      {
          golden_batch_case<Sequence, Conv1d<3, 3>>("conv1d_k3"),
          golden_formula_case<Sequence, Conv1d<3, 3, Stride<2>, Padding<1>>>(
              "conv1d_k3_stride2_padding1"),
          golden_formula_case<Sequence, Conv1d<3, 3, Padding<2>, Dilation<2>>>(
              "conv1d_k3_padding2_dilation2"),
          golden_formula_case<Shape<4, 6>, Conv1d<6, 3, Groups<2>>>("conv1d_k3_groups2"),
          golden_formula_case<Sequence, Conv1d<3, 3, Bias<false>>>("conv1d_k3_no_bias"),
          golden_formula_case<Sequence, Conv1d<3, 9>>("conv1d_k9"),
          golden_formula_case<Sequence, Conv1d<3, 3, PaddingSame>>("conv1d_k3_same"),
          golden_case<Sequence, Conv1d<3, 4, PaddingSame>>("conv1d_k4_same"),
          golden_formula_case<Sequence, Conv1d<3, 2, PaddingSame, Dilation<3>>>(
              "conv1d_k2_same_dilation3"),
          golden_formula_case<Shape<2, 2>, Conv1d<3, 5, PaddingSame>>("conv1d_k5_same_of_2"),
          golden_case<Sequence, Conv1d<3, 3, Causal<>>>("conv1d_k3_causal"),
          golden_formula_case<Sequence, Conv1d<4, 3, Causal<>, Dilation<2>, Groups<2>>>(
              "conv1d_k3_causal_dilation2_groups2"),
          golden_formula_case<Sequence, Conv1d<3, 4, Causal<>, Stride<2>>>(
              "conv1d_k4_causal_stride2"),
          golden_formula_case<Shape<2, 2>, Conv1d<3, 4, Causal<>>>("conv1d_k4_causal_of_2"),
      });
}

namespace {
template <class... Layers>
inline constexpr std::size_t steps = layers::target::Routine<
    InferenceTape<Sequential<Layers...>, Shape<2, 9>, 1>>::program.steps.size();
}  // namespace

TEST_CASE("a convolution with its bias and activation is one step, whatever the padding") {
  // Though kernels lie as streams read them, outputs last.
  CHECK(steps<Conv1d<3, 3>, ReLU> == 1);
  CHECK(steps<Conv1d<3, 3, Padding<1>>, ReLU> == 1);
  CHECK(steps<Conv1d<3, 4, PaddingSame>, ReLU> == 1);
  CHECK(steps<Conv1d<3, 3, Causal<>, Dilation<2>>, ReLU> == 1);
  CHECK(steps<Conv1d<4, 3, Groups<2>>, ReLU> == 1);
  CHECK(steps<ConvTranspose1d<3, 4, Stride<2>>, ReLU> == 1);
}
