// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"
#include "two_inputs.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_formula_case;

namespace {
/// Features, then the adjacency.
template <class Layer, std::size_t features> using On = layers::CutInTwo<Layer, -1, features>;
}  // namespace

TEST_CASE("layers on graphs compute what their papers say") {
  using S = Shape<5, 8>;
  using Unlooped = GraphAttention<2, 2, Bias<false>, SelfLoops<false>>;
  layers::check_golden(
      "graph",
      {
          golden_batch_case<S, On<GraphConv<2>, 3>>("graph_conv"),
          golden_formula_case<Shape<4, 6>, On<GraphConv<4, Bias<false>>, 2>>(
              "graph_conv_wider_no_bias"),
          golden_batch_case<S, On<GraphAttention<4>, 3>>("graph_attention"),
          golden_formula_case<S, On<GraphAttention<2, 3, NegativeSlope<0.1>>, 3>>(
              "graph_attention_heads"),
          golden_formula_case<Shape<4, 7>, On<Unlooped, 3>>("graph_attention_without_loops"),
      });
}
