// SPDX-License-Identifier: BSL-1.0
#include <cmath>

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
  using Three = Linear<3>;
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
          golden_case<Shape<4>, MixtureOfExperts<Three, Three, Three, TopK<1>>>("top_1_of_3"),
          golden_formula_case<Shape<4>, MixtureOfExperts<TopK<2>, Three, Three, Three, Three>>(
              "top_2_of_4"),
          golden_case<Shape<3, 4>, MixtureOfExperts<Three, Three, Three, Three, TopK<2>>>(
              "top_2_of_4_sequence"),
          golden_formula_case<Shape<2, 4>, MixtureOfExperts<Three, Three, TopK<3>, Three>>(
              "top_3_of_3_sequence"),
          golden_batch_case<Shape<3, 2, 4>, Gram>("gram"),
          golden_case<Shape<4, 6>, Reshape<2, 6, 2>, Permute<1, 0, 2>>("reshape_permute"),
          golden_case<Shape<2, 4, 3>, Permute<1, 2, 0>, Reshape<4, 6>, Linear<2>>(
              "permute_reshape_linear"),
          golden_case<Shape<4, 3>, Select<0, -1>>("last_step"),
          golden_case<Shape<4, 3>, Select<1, 0>, Linear<2>>("first_column_linear"),
      });
}

TEST_CASE("of experts that are rated the same the first ones count") {
  using Experts = MixtureOfExperts<Linear<1>, Linear<1>, Linear<1>, Linear<1>, TopK<2>>;
  const Tape tape = lower<Experts, Shape<1>>();
  REQUIRE(tape.parameters[2].name.view() == "experts.0.weight");
  const auto y = [&](std::vector<double> ratings) {
    return interpret<double>(tape, {{0}}, {{0, 0, 0, 0}, ratings, {0}, {1}, {0}, {10}, {0}, {100},
                                           {0}, {1000}})
        .at(0)
        .at(0);
  };
  CHECK(y({0, 0, 0, 0}) == Approx(5.5));
  CHECK(y({0, 7, 0, 0}) == Approx(10 + 1 / (1 + std::exp(7.0)) * (1 - 10)));
  CHECK(y({-1, -1, 3, 3}) == Approx(550));
  CHECK(y({3, 3, 3, -1}) == Approx(5.5));
  CHECK(y({-1, 3, 3, 3}) == Approx(55));
}
