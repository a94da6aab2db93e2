// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_batch_case;
using layers::golden_formula_case;

TEST_CASE("encodings of positions are those of their papers") {
  layers::check_golden(
      "position",
      {
          golden_batch_case<Shape<5, 6>, PositionalEncoding>("learned"),
          golden_batch_case<Shape<9, 6>, SinusoidalEncoding<>>("sinusoidal"),
          golden_formula_case<Shape<3, 4>, SinusoidalEncoding<100.0>>("sinusoidal_base100"),
          golden_batch_case<Shape<9, 6>, RotaryEncoding<>>("rotary"),
          golden_formula_case<Shape<3, 4>, RotaryEncoding<100.0>>("rotary_base100"),
      });
}
