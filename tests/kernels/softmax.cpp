// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/softmax.hpp"

#include <algorithm>
#include <cstring>

#include "buffers.hpp"
#include "catch.hpp"

namespace {

using namespace etch;
using namespace etch::test;

constexpr double infinity = std::numeric_limits<double>::infinity();

template <std::size_t rows, std::size_t columns> struct Case {
  static constexpr SoftmaxSpec spec{rows, columns};

  static void run(bool logarithm, const float* x, float* y) {
    if (logarithm) {
      HWY_NAMESPACE::log_softmax<spec>(x, y);
    } else {
      HWY_NAMESPACE::softmax<spec>(x, y);
    }
  }

  /// Elements of y that are not what double arithmetic gives.
  static std::size_t wrong(bool logarithm, const float* x, const Target& y) {
    std::size_t count = 0;
    for (std::size_t e = 0; e < rows * columns; ++e) {
      const float* row = x + e / columns * columns;
      const double m = double{*std::max_element(row, row + columns)};
      double sum = 0;
      for (std::size_t j = 0; j < columns; ++j) sum += std::exp(double{row[j]} - m);
      const double log_y = double{x[e]} - m - std::log(sum);
      // A logarithm of magnitude l carries the rounding of x and m: relative to the larger of them.
      const double tolerance = logarithm ? 4e-7 * (1 + std::abs(m)) : 1e-6;
      if (!close(double{y[e]}, logarithm ? log_y : std::exp(log_y), tolerance)) ++count;
    }
    return count;
  }

  static void matches_reference(std::size_t misaligned) {
    INFO(rows << " x " << columns);
    for (const float scale : {1.0f, 30.0f, 300.0f}) {
      for (const bool logarithm : {false, true}) {
        const Source x(rows * columns, misaligned, columns, scale);
        Target y(rows * columns, misaligned), in_place(rows * columns, misaligned);
        run(logarithm, x.data(), y.data());
        CHECK(wrong(logarithm, x.data(), y) == 0);
        CHECK(y.written_within());
        std::copy_n(x.data(), rows * columns, in_place.data());
        run(logarithm, in_place.data(), in_place.data());
        CHECK(std::memcmp(in_place.data(), y.data(), rows * columns * sizeof(float)) == 0);
      }
    }
  }
};

}  // namespace

TEST_CASE("softmax and its logarithm agree with double arithmetic, in place too") {
  const std::size_t misaligned = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{3});
  Case<1, 1>::matches_reference(misaligned);
  Case<3, 2>::matches_reference(misaligned);
  Case<2, 7>::matches_reference(misaligned);
  Case<4, 8>::matches_reference(misaligned);
  Case<5, 10>::matches_reference(misaligned);
  Case<2, 16>::matches_reference(misaligned);
  Case<3, 33>::matches_reference(misaligned);
  Case<2, 259>::matches_reference(misaligned);
  Case<1, 1000>::matches_reference(misaligned);
}

TEST_CASE("minus infinity has probability zero") {
  const float low = static_cast<float>(-infinity);
  float x[21], y[21];
  std::fill(x, x + 21, low);
  x[0] = x[20] = 3;
  Case<1, 21>::run(false, x, y);
  CHECK(y[0] == 0.5f);
  CHECK(y[1] == 0.0f);
  CHECK(y[20] == 0.5f);
  Case<1, 21>::run(true, x, y);
  CHECK(y[1] == low);
  CHECK(y[20] == Approx(-std::log(2.0)));
}

TEST_CASE("a row of minus infinities and a row with NaN become NaN, other rows do not") {
  float x[3 * 5] = {}, y[3 * 5];
  std::fill(x, x + 5, static_cast<float>(-infinity));
  x[8] = poison;
  for (const bool logarithm : {false, true}) {
    Case<3, 5>::run(logarithm, x, y);
    for (std::size_t e = 0; e < 10; ++e) CHECK(std::isnan(y[e]));
    for (std::size_t e = 10; e < 15; ++e) {
      CHECK(y[e] == Approx(logarithm ? -std::log(5.0) : 0.2));
    }
  }
}

TEST_CASE("the place of a row does not change its bits") {
  Source x(7 * 19, 1, 5, 4);
  for (std::size_t e = 0; e < 7 * 19; ++e) x.data()[e] = x[e % 19];
  Target y(7 * 19, 3);
  Case<7, 19>::run(false, x.data(), y.data());
  for (std::size_t i = 1; i < 7; ++i) {
    CHECK(std::memcmp(y.data(), y.data() + i * 19, 19 * sizeof(float)) == 0);
  }
}
