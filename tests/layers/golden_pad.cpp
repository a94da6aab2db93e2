// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_formula_case;

TEST_CASE("padding layers compute what PyTorch computes") {
  using Sequence = Shape<2, 4>;
  using Image = Shape<2, 4, 3>;
  layers::check_golden(
      "pad",
      {
          golden_formula_case<Image, ZeroPad2d<1>>("zero_pad2d_1"),
          golden_case<Image, ZeroPad2d<{1, 2, 0, 3}>>("zero_pad2d_1_2_0_3"),
          golden_case<Sequence, ConstantPad1d<{2, 1}, 0.5>>("constant_pad1d_2_1"),
          golden_formula_case<Image, ConstantPad2d<1, 3.25>>("constant_pad2d_1"),
          golden_case<Image, ConstantPad2d<{1, 0, 2, 1}, -1.5>>("constant_pad2d_1_0_2_1"),
          golden_case<Sequence, ReflectionPad1d<{2, 3}>>("reflection_pad1d_2_3"),
          golden_formula_case<Sequence, ReflectionPad1d<{0, 1}>>("reflection_pad1d_0_1"),
          golden_formula_case<Image, ReflectionPad2d<1>>("reflection_pad2d_1"),
          golden_case<Image, ReflectionPad2d<{2, 1, 0, 3}>>("reflection_pad2d_2_1_0_3"),
          golden_case<Sequence, ReplicationPad1d<{3, 1}>>("replication_pad1d_3_1"),
          golden_case<Image, ReplicationPad2d<{2, 0, 1, 4}>>("replication_pad2d_2_0_1_4"),
      });
}
