// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

/// The elementary functions for float and double, usable in constant expressions. At run time they
/// are those of <cmath>; in the compiler they are the series below, within a few units of the last
/// place of a double. Limits, signed zeros and NaN follow Annex F of the C standard in both.
///
/// Compilers refuse to constant-fold an operation that creates an infinity or a NaN, and g++ also
/// an ordered comparison with a NaN: every special case is decided before the arithmetic starts.
namespace etch::math {

namespace series {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// ln 2 in two parts; the first has 33 bits, so that its product with an exponent is exact.
inline constexpr double ln2_high = 0x1.62e42feep-1;
inline constexpr double ln2_low = 0x1.a39ef35793c76p-33;

/// 2^n for a normal result.
constexpr double power_of_two(int n) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

/// x 2^n for x in [0.5, 2); rounds once, also where the result is subnormal.
constexpr double scale(double x, int n) {
  if (n < -1021) return x * power_of_two(n + 64) * power_of_two(-64);
  if (n > 1023) return x * power_of_two(1023) * power_of_two(n - 1023);
  return x * power_of_two(n);
}

struct Binary {
  double mantissa;
  int exponent;
};

/// x = mantissa 2^exponent with the mantissa in [1, 2), for x positive and finite.
constexpr Binary split(double x) {
  const bool tiny = x < std::numeric_limits<double>::min();
  const auto bits = std::bit_cast<std::uint64_t>(tiny ? x * 0x1p54 : x);
  const auto one = std::uint64_t{1023} << 52;
  const auto fraction = bits & ((std::uint64_t{1} << 52) - 1);
  return {std::bit_cast<double>(fraction | one),
          static_cast<int>(bits >> 52) - 1023 - (tiny ? 54 : 0)};
}

/// The same with the mantissa in [sqrt(1/2), sqrt(2)], where its logarithm is smallest.
constexpr Binary split_centred(double x) {
  const Binary b = split(x);
  return b.mantissa > 1.4142135623730951 ? Binary{b.mantissa / 2, b.exponent + 1} : b;
}

/// e^x - 1 = x + x^2 / 2! + ..., fourteen terms: enough for |x| <= ln(2) / 2.
constexpr double expm1_small(double x) {
  double sum = 1;
  for (int n = 14; n > 1; --n) sum = 1 + x / n * sum;
  return x * sum;
}

/// e^(x + low) for a low that is far smaller than x: x = k ln 2 + r, |r| <= ln(2) / 2, and
/// e^x = 2^k e^r.
constexpr double exp(double x, double low = 0) {
  constexpr double last = 709.782712893384;
  if (x != x) return x;
  if (x > last || (x == last && low > 0)) return infinity;
  if (x < -745.1332191019412) return 0;
  const int k = static_cast<int>(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
  return scale(1 + expm1_small(x - k * ln2_high - (k * ln2_low - low)), k);
}

constexpr double expm1(double x) {
  if (x != x) return x;
  if (x > -0.35 && x < 0.35) return expm1_small(x);
  return exp(x) - 1;
}

/// log(m) = 2 artanh(s), s = (m - 1) / (m + 1); this is artanh(s) - s for |s| <= 0.172.
constexpr double artanh_tail(double s) {
  double sum = 0;
  for (int n = 23; n > 1; n -= 2) sum = s * s * (1.0 / n + sum);
  return s * sum;
}

constexpr double log(double x) {
  if (x != x || x == infinity) return x;
  if (x == 0) return -infinity;
  if (x < 0) return not_a_number;
  const auto [m, e] = split_centred(x);
  const double s = (m - 1) / (m + 1);
  return e * ln2_high + (e * ln2_low + 2 * (s + artanh_tail(s)));
}

/// The rounding error of u = 1 + x is divided out again (W. Kahan).
constexpr double log1p(double x) {
  if (x != x || x == infinity || x == 0) return x;
  if (x <= -1) return log(1 + x);
  const double u = 1 + x;
  return u == 1 ? x : log(u) * (x / (u - 1));
}

/// Newton's iteration on the mantissa, from 25 % off in the worst case.
constexpr double sqrt(double x) {
  if (x != x || x == 0 || x == infinity) return x;
  if (x < 0) return not_a_number;
  const Binary b = split(x);
  const int odd = b.exponent & 1;
  const double m = odd == 1 ? 2 * b.mantissa : b.mantissa;
  double y = 0.5 + m / 2;
  for (int i = 0; i < 6; ++i) y = (y + m / y) / 2;
  return scale(y, (b.exponent - odd) / 2);
}

/// x = n pi / 2 + r with |r| <= pi / 4; accurate for |x| <= 2^20, constant beyond.
struct Quadrant {
  int n;
  double r;
};

constexpr Quadrant split_quadrant(double x) {
  constexpr double limit = 0x1p20;
  x = x > limit ? limit : x < -limit ? -limit : x;
  const int n = static_cast<int>(x * 0.6366197723675814 + (x < 0 ? -0.5 : 0.5));
  // pi / 2 in two parts of 33 bits and a rest.
  const double r = x - n * 0x1.921fb544p+0 - n * 0x1.0b4611a6p-34;
  return {n, r - n * 0x1.3198a2e037073p-69};
}

/// 1 - r^2 / (k (k + 1)) (1 - r^2 / ((k + 2) (k + 3)) (1 - ...)): cos r for k = 1, sin r / r for
/// k = 2; nine terms are enough for |r| <= pi / 4.
constexpr double alternating(double r, int k) {
  double sum = 1;
  for (int i = k + 16; i >= k; i -= 2) sum = 1 - r * r / (i * (i + 1)) * sum;
  return sum;
}

/// sin(x + quarters pi / 2).
constexpr double sine(double x, int quarters) {
  if (x != x) return x;
  if (x == infinity || x == -infinity) return not_a_number;
  const auto [n, r] = split_quadrant(x);
  const int turn = (n + quarters) & 3;
  const double size = turn % 2 == 0 ? r * alternating(r, 2) : alternating(r, 1);
  return turn < 2 ? size : -size;
}

constexpr double sin(double x) { return x == 0 ? x : sine(x, 0); }
constexpr double cos(double x) { return sine(x, 1); }

constexpr double tanh(double x) {
  if (x != x || x == 0) return x;
  if (x > 20) return 1;
  if (x < -20) return -1;
  const double e = expm1(x < 0 ? -2 * x : 2 * x);
  return (x < 0 ? -e : e) / (e + 2);
}

/// For 0 < x < 2: 2 / sqrt(pi) e^(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...), all terms positive.
constexpr double erf_small(double x) {
  double term = x;
  double sum = x;
  for (int n = 3; term > 1e-17 * sum; n += 2) {
    term *= 2 * x * x / n;
    sum += term;
  }
  return 1.1283791670955126 * exp(-x * x) * sum;
}

/// For x >= 2, Laplace's continued fraction:
/// e^(-x^2) / sqrt(pi) / (x + 1/2 / (x + 2/2 / (x + ...))).
constexpr double erfc_large(double x) {
  double fraction = x;
  for (int n = 50; n > 0; --n) fraction = x + 0.5 * n / fraction;
  return 0.5641895835477563 * exp(-x * x) / fraction;
}

constexpr double erf(double x) {
  if (x != x || x == 0) return x;
  if (x < 0) return -erf(-x);
  if (x >= 6) return 1;
  return x < 2 ? erf_small(x) : 1 - erfc_large(x);
}

/// An unevaluated sum of two doubles, the second far smaller than the first.
struct Pair {
  double high;
  double low;
};

/// a + b exactly (D. Knuth).
constexpr Pair two_sum(double a, double b) {
  const double sum = a + b;
  const double part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

/// a b exactly, by cutting each factor in half (G. W. Veltkamp, T. J. Dekker).
constexpr Pair two_product(double a, double b) {
  const auto upper = [](double x) { return 0x8000001p0 * x - (0x8000001p0 * x - x); };
  const double product = a * b;
  const double a1 = upper(a), a2 = a - a1;
  const double b1 = upper(b), b2 = b - b1;
  return {product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2};
}

/// log(x) with about seven bits beyond double, because pow multiplies its error by up to 700.
constexpr Pair log_pair(double x) {
  const auto [m, e] = split_centred(x);
  const Pair divisor = two_sum(m, 1);
  const double s = (m - 1) / divisor.high;
  const Pair back = two_product(s, divisor.high);
  const double rest = ((m - 1 - back.high) - back.low - s * divisor.low) / divisor.high;
  const Pair sum = two_sum(e * ln2_high, 2 * s);
  return two_sum(sum.high, sum.low + (e * ln2_low + 2 * (rest + artanh_tail(s))));
}

/// x^y = e^(y log x) for x positive and finite, y finite.
constexpr double pow_positive(double x, double y) {
  if (x > 1e-70 && x < 1e70) {  // small powers of integers stay exact
    if (y == 1) return x;
    if (y == 2) return x * x;
    if (y == 3) return x * x * x;
  }
  const Pair l = log_pair(x);
  if (l.high == 0) return 1;
  const double limit = 750 / (l.high < 0 ? -l.high : l.high);
  if (y > limit || y < -limit) return (y < 0) == (l.high < 0) ? infinity : 0;
  const Pair p = two_product(y, l.high);
  return exp(p.high, p.low + y * l.low);
}

/// Even, odd, or not an integer; beyond 2^53 every double is even.
enum class Parity { even, odd, none };

constexpr Parity parity(double y) {
  const double a = y < 0 ? -y : y;
  if (a >= 0x1p53) return Parity::even;
  const auto n = static_cast<std::uint64_t>(a);
  if (static_cast<double>(n) != a) return Parity::none;
  return n % 2 == 0 ? Parity::even : Parity::odd;
}

constexpr double pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (x != x) return x;
  if (y != y) return y;
  const bool negative = std::bit_cast<std::uint64_t>(x) >> 63 != 0;
  const double a = negative ? -x : x;
  if (y == infinity || y == -infinity) {
    if (a == 1) return 1;
    return (a > 1) == (y > 0) ? infinity : 0;
  }
  const Parity kind = parity(y);
  if (negative && kind == Parity::none && a != 0 && a != infinity) return not_a_number;
  const double size = a == 0          ? (y < 0 ? infinity : 0)
                      : a == infinity ? (y < 0 ? 0 : infinity)
                                      : pow_positive(a, y);
  return negative && kind == Parity::odd ? -size : size;
}

}  // namespace series

template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double>;

/// The value as a T; beyond the range of float it is an infinity.
template <Real T> constexpr T narrow(double x) {
  constexpr double largest = std::numeric_limits<T>::max();
  constexpr T infinity = std::numeric_limits<T>::infinity();
  if (std::same_as<T, double> || x != x) return static_cast<T>(x);
  if (x > largest) return infinity;
  return x < -largest ? -infinity : static_cast<T>(x);
}

template <Real T> constexpr T exp(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::exp(x)) : std::exp(x);
}
template <Real T> constexpr T expm1(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::expm1(x)) : std::expm1(x);
}
template <Real T> constexpr T log(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::log(x)) : std::log(x);
}
template <Real T> constexpr T log1p(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::log1p(x)) : std::log1p(x);
}
template <Real T> constexpr T sqrt(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::sqrt(x)) : std::sqrt(x);
}
template <Real T> constexpr T sin(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::sin(x)) : std::sin(x);
}
template <Real T> constexpr T cos(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::cos(x)) : std::cos(x);
}
template <Real T> constexpr T tanh(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::tanh(x)) : std::tanh(x);
}
template <Real T> constexpr T erf(T x) {
  return std::is_constant_evaluated() ? narrow<T>(series::erf(x)) : std::erf(x);
}
template <Real T> constexpr T pow(T x, T y) {
  return std::is_constant_evaluated() ? narrow<T>(series::pow(x, y)) : std::pow(x, y);
}

/// a < b, false where one is a NaN, also in constant expressions.
template <class T> constexpr bool less(const T& a, const T& b) {
  if (std::is_constant_evaluated() && (!(a == a) || !(b == b))) return false;
  return a < b;
}

/// 1 / (1 + e^-x), for any number type with exp; no intermediate result overflows.
template <class T> constexpr T sigmoid(const T& x) {
  if (!(x == x)) return x;
  if (x < T(0)) {
    const T e = exp(x);
    return e / (T(1) + e);
  }
  return T(1) / (T(1) + exp(-x));
}

}  // namespace etch::math
