// SPDX-License-Identifier: BSL-1.0
#include "etch/tape/constexpr_math.hpp"

#include <cmath>
#include <limits>

#include "catch.hpp"

namespace {

namespace math = etch::math;
namespace series = etch::math::series;

constexpr double infinity = series::infinity;
constexpr double not_a_number = series::not_a_number;

constexpr bool near(double a, double b, double tolerance = 1e-15) {
  const double difference = a < b ? b - a : a - b;
  return a == b || difference <= tolerance * (b < 0 ? -b : b);
}

constexpr bool is_nan(double x) { return x != x; }

// Decimal literals: mpmath with 30 digits.
static_assert(math::exp(0.0) == 1 && near(math::exp(1.0), 2.718281828459045235));
static_assert(near(math::exp(-20.5), 1.250152866386742629e-9));
static_assert(near(math::exp(700.0), 1.014232054735004509e304));
static_assert(near(math::expm1(1e-10), 1.00000000005e-10));
static_assert(near(math::log(10.0), 2.302585092994045684) && math::log(1.0) == 0);
static_assert(near(math::log1p(1e-10), 9.9999999995e-11));
static_assert(math::sqrt(144.0) == 12 && near(math::sqrt(2.0), 1.414213562373095049));
static_assert(near(math::sin(0.5), 0.4794255386042030003));
static_assert(near(math::sin(-10.0), 0.5440211108893698134));
static_assert(near(math::cos(2.0), -0.4161468365471423869) && math::cos(0.0) == 1);
static_assert(near(math::cos(1e4), -0.952155368259014851));
static_assert(near(math::tanh(0.5), 0.4621171572600097585));
static_assert(near(math::sigmoid(-2.0), 0.1192029220221175559));
static_assert(near(math::erf(0.5), 0.5204998778130465377));
static_assert(near(math::erf(-2.5), -0.9995930479825550411));
static_assert(math::pow(3.0, 2.0) == 9 && near(math::pow(2.0, 0.5), 1.414213562373095049));
static_assert(near(math::pow(1.1, -7.5), 0.4892770681006451568));

// Limits.
static_assert(math::exp(infinity) == infinity && math::exp(-infinity) == 0);
static_assert(math::exp(710.0) == infinity && math::exp(-746.0) == 0 && math::exp(-745.0) > 0);
static_assert(math::expm1(-infinity) == -1 && math::expm1(1000.0) == infinity);
static_assert(math::log(0.0) == -infinity && math::log(infinity) == infinity);
static_assert(is_nan(math::log(-1.0)) && is_nan(math::log1p(-2.0)) && is_nan(math::sqrt(-1.0)));
static_assert(math::log1p(-1.0) == -infinity && math::log1p(infinity) == infinity);
static_assert(math::sqrt(infinity) == infinity && math::sqrt(0.0) == 0);
static_assert(is_nan(math::sin(infinity)) && is_nan(math::cos(-infinity)));
static_assert(math::sin(1e300) >= -1 && math::cos(-1e300) <= 1);
static_assert(math::tanh(infinity) == 1 && math::tanh(-1e300) == -1);
static_assert(math::sigmoid(infinity) == 1 && math::sigmoid(-infinity) == 0);
static_assert(math::sigmoid(-1000.0) == 0 && math::sigmoid(1000.0) == 1);
static_assert(math::erf(infinity) == 1 && math::erf(-infinity) == -1);
static_assert(math::pow(2.0, 1024.0) == infinity && math::pow(2.0, -1100.0) == 0);
static_assert(math::pow(-2.0, 3.0) == -8 && is_nan(math::pow(-2.0, 0.5)));
static_assert(math::pow(0.0, -1.0) == infinity && math::pow(-0.0, -3.0) == -infinity);
static_assert(math::pow(not_a_number, 0.0) == 1 && math::pow(1.0, not_a_number) == 1);
static_assert(math::pow(0.5, infinity) == 0 && math::pow(-infinity, 3.0) == -infinity);

// NaN in, NaN out.
static_assert(is_nan(math::exp(not_a_number)) && is_nan(math::expm1(not_a_number)));
static_assert(is_nan(math::log(not_a_number)) && is_nan(math::log1p(not_a_number)));
static_assert(is_nan(math::sqrt(not_a_number)) && is_nan(math::tanh(not_a_number)));
static_assert(is_nan(math::sin(not_a_number)) && is_nan(math::cos(not_a_number)));
static_assert(is_nan(math::sigmoid(not_a_number)) && is_nan(math::erf(not_a_number)));
static_assert(is_nan(math::pow(not_a_number, 2.0)) && is_nan(math::pow(2.0, not_a_number)));
static_assert(!math::less(not_a_number, 1.0) && !math::less(1.0, not_a_number));

// float: rounded from double, beyond its range an infinity.
static_assert(math::exp(1.0F) == 2.7182818F && math::tanh(0.5F) == 0.46211717F);
static_assert(math::exp(100.0F) == std::numeric_limits<float>::infinity());
static_assert(math::pow(-10.0F, 39.0F) == -std::numeric_limits<float>::infinity());
static_assert(is_nan(math::exp(std::numeric_limits<float>::quiet_NaN())));

/// The largest relative error of f against g over [from, to] in 2000 uneven steps.
template <class F, class G> double worst(F f, G g, double from, double to) {
  double error = 0;
  for (int i = 0; i <= 2000; ++i) {
    const double t = i / 2000.0;
    const double x = from + (to - from) * (t + 0.0001 * std::sin(1000 * t));
    const double expected = g(x);
    if (expected != 0) error = std::fmax(error, std::fabs(f(x) / expected - 1));
  }
  return error;
}

}  // namespace

TEST_CASE("the compile-time functions agree with the C library") {
  const auto check = [](auto f, auto g, double from, double to) {
    CAPTURE(from, to);
    CHECK(worst(f, g, from, to) < 1.5e-15);
  };
  for (const double scale : {1e-9, 1e-3, 0.3, 1.0, 5.0, 30.0, 700.0}) {
    check([](double x) { return series::exp(x); }, [](double x) { return std::exp(x); }, -scale,
          scale);
    check(series::expm1, [](double x) { return std::expm1(x); }, -scale, scale);
    check(series::sin, [](double x) { return std::sin(x); }, -scale, scale);
    check(series::cos, [](double x) { return std::cos(x); }, -scale, scale);
    check(series::tanh, [](double x) { return std::tanh(x); }, -scale, scale);
    check(series::erf, [](double x) { return std::erf(x); }, -scale, scale);
    check(series::log, [](double x) { return std::log(x); }, scale / 1e3, scale);
    check(series::log, [](double x) { return std::log(x); }, 1 - scale / 701, 1 + scale);
    check(series::log1p, [](double x) { return std::log1p(x); }, -scale / 701, scale);
    check(series::sqrt, [](double x) { return std::sqrt(x); }, 0, scale);
  }
}

TEST_CASE("the compile-time functions hold at the ends of the range of double") {
  for (double x = 1e-320; x < 1e307; x *= 977.3) {
    CAPTURE(x);
    CHECK(near(series::log(x), std::log(x)));
    CHECK(near(series::sqrt(x), std::sqrt(x)));
  }
  for (const double x : {-745.1, -730.0, -708.5, 709.7, 709.78271289338397}) {
    CAPTURE(x);
    CHECK(near(series::exp(x), std::exp(x)));
  }
}

TEST_CASE("compile-time powers stay accurate where the exponent magnifies the error of the log") {
  for (const double x : {1e-300, 1e-5, 0.3, 0.7071, 0.99, 0.9999999, 1.0000001, 1.2, 3.0, 1e5}) {
    for (const double share : {-0.99, -0.5, -0.1, 0.003, 0.3, 0.7, 0.99}) {
      const double y = share * 700 / std::log(x);
      CAPTURE(x, y);
      CHECK(near(series::pow(x, y), std::pow(x, y), 3e-15));
    }
  }
}

TEST_CASE("compile-time powers have the special cases of the C standard") {
  const double values[] = {-infinity, -2.5, -2, -1, -0.5, -0.0, 0, 0.5, 1, 3, 5e15, 1e300,
                           infinity,  not_a_number};
  for (const double x : values) {
    for (const double y : values) {
      CAPTURE(x, y);
      const double expected = std::pow(x, y);
      const double found = series::pow(x, y);
      CHECK(std::isnan(found) == std::isnan(expected));
      if (!std::isnan(expected)) {
        CHECK(near(found, expected));
        CHECK(std::signbit(found) == std::signbit(expected));
      }
    }
  }
}

TEST_CASE("signed zeros survive odd functions") {
  CHECK(std::signbit(series::sin(-0.0)));
  CHECK(std::signbit(series::tanh(-0.0)));
  CHECK(std::signbit(series::erf(-0.0)));
  CHECK(std::signbit(series::expm1(-0.0)));
  CHECK(std::signbit(series::log1p(-0.0)));
  CHECK(std::signbit(series::sqrt(-0.0)));
}
