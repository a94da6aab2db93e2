// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_formula_case;

namespace {
using OfNearest = Mode<Interpolation::nearest>;
using OfLines = Mode<Interpolation::bilinear>;
}  // namespace

TEST_CASE("upsampling computes what PyTorch computes") {
  using Image = Shape<2, 3, 4>;
  using Aligned = AlignCorners<true>;
  layers::check_golden(
      "resize",
      {
          golden_case<Image, Upsample<2>>("nearest_2"),
          golden_case<Image, Upsample<3>>("nearest_3"),
          golden_formula_case<Image, Upsample<{1, 2}>>("nearest_1x2"),
          golden_formula_case<Image, Upsample<{2, 3}, OfNearest>>("nearest_2x3"),
          golden_case<Image, Upsample<2, OfLines>>("bilinear_2"),
          golden_formula_case<Image, Upsample<3, OfLines, AlignCorners<false>>>("bilinear_3"),
          golden_formula_case<Image, Upsample<{1, 2}, OfLines>>("bilinear_1x2"),
          golden_formula_case<Image, Upsample<{2, 3}, OfLines>>("bilinear_2x3"),
          golden_case<Image, Upsample<2, OfLines, Aligned>>("bilinear_2_aligned"),
          golden_formula_case<Image, Upsample<3, OfLines, Aligned>>("bilinear_3_aligned"),
          golden_formula_case<Image, Upsample<{1, 2}, Aligned, OfLines>>("bilinear_1x2_aligned"),
          golden_formula_case<Image, Upsample<{2, 3}, OfLines, Aligned>>("bilinear_2x3_aligned"),
          golden_formula_case<Shape<2, 1, 1>, Upsample<{3, 2}, OfLines, Aligned>>(
              "bilinear_3x2_aligned_of_1x1"),
      });
}

namespace {
template <class Layer> void check_repeats(std::size_t scale) {
  const auto net = layers::inference<Network<Input<1, 3, 5>, Layer>, 1>();
  const auto x = layers::cast<float>(layers::scattered(15, 1));
  const auto y = layers::infer(net, {}, x);
  REQUIRE(y.size() == 15 * scale * scale);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t row = i / (5 * scale) / scale, column = i % (5 * scale) / scale;
    CHECK(y[i] == x[row * 5 + column]);
  }
}
}  // namespace

TEST_CASE("nearest upsampling repeats numbers to the last bit") {
  check_repeats<Upsample<2>>(2);
  check_repeats<Upsample<3>>(3);
}
