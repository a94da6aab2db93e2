// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/math.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "catch.hpp"
#include "etch/kernels/trigonometry.hpp"
#include "etch/kernels/lanes.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float undefined = std::numeric_limits<float>::quiet_NaN();
constexpr float largest = std::numeric_limits<float>::max();
constexpr float tiniest = std::numeric_limits<float>::denorm_min();

// A function type per operation, since a vector function has no address that fits every target.
struct Exp {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return exp(d, x); }
};
struct Expm1 {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return expm1(d, x); }
};
struct Log {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return log(d, x); }
};
struct Log1p {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return log1p(d, x); }
};
struct Sin {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return sin(d, x); }
};
struct Cos {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return cos(d, x); }
};
struct Tanh {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return tanh(d, x); }
};
struct Sigmoid {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return sigmoid(d, x); }
};
struct Erf {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return erf(d, x); }
};
struct Sqrt {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return sqrt(d, x); }
};
struct Rsqrt {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return rsqrt(d, x); }
};
struct Abs {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x) { return abs(d, x); }
};
struct Pow {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x, V y) { return pow(d, x, y); }
};
struct Max {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x, V y) { return max(d, x, y); }
};
struct Min {
  template <class D, class V>
  static HWY_INLINE V apply(D d, V x, V y) { return min(d, x, y); }
};

/// y[i] = F(x[i]), n a multiple of the lanes of Tag.
template <class F, class Tag = FloatTag>
void evaluate(const float* x, float* y, std::size_t n) {
  const Tag d;
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    hn::StoreU(F::apply(d, hn::LoadU(d, x + i)), d, y + i);
  }
}

template <class F>
void evaluate(const float* x, const float* y, float* z, std::size_t n) {
  const FloatTag d;
  for (std::size_t i = 0; i < n; i += lanes) {
    hn::StoreU(F::apply(d, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, z + i);
  }
}

template <class F>
float one(float x) {
  float in[logical_lanes];
  float out[logical_lanes];
  std::fill_n(in, logical_lanes, x);
  evaluate<F>(in, out, logical_lanes);
  return out[logical_lanes - 1];
}

template <class F>
float one(float x, float y) {
  float a[logical_lanes];
  float b[logical_lanes];
  float out[logical_lanes];
  std::fill_n(a, logical_lanes, x);
  std::fill_n(b, logical_lanes, y);
  evaluate<F>(a, b, out, logical_lanes);
  return out[logical_lanes - 1];
}

}  // namespace
}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace {

using namespace etch::HWY_NAMESPACE;

/// Distance in units of the last place of the exact value as a float; an infinity that should be
/// finite counts as 2^128.
double ulps(float got, double exact) {
  if (std::isnan(got) || std::isnan(exact)) {
    return std::isnan(got) && std::isnan(exact) ? 0.0 : HUGE_VAL;
  }
  if (std::isinf(got) && got == static_cast<float>(exact)) return 0.0;
  if (std::isinf(exact)) return HUGE_VAL;
  const double value = std::isinf(got) ? std::copysign(0x1p128, got) : double{got};
  const int exponent = exact == 0.0 ? -126 : std::clamp(std::ilogb(exact), -126, 127);
  return std::fabs(value - exact) / std::ldexp(1.0, exponent - 23);
}

bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<std::uint32_t>(a) ==
                                             std::bit_cast<std::uint32_t>(b);
}

double sigmoid_exact(double x) {
  const double e = std::exp(-std::fabs(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

struct Row {
  const char* name;
  void (*evaluate)(const float*, float*, std::size_t);
  void (*evaluate_one_lane)(const float*, float*, std::size_t);
  double (*exact)(double);
  double limit;  // ulp: a little over the exhaustive maximum of FMA and no FMA
  float domain;  // of |x|, for the limit
};

template <class F>
constexpr Row row(const char* name, double (*exact)(double), double limit, float domain = inf) {
  return {name, evaluate<F>, evaluate<F, hn::CappedTag<float, 1>>, exact, limit, domain};
}

const Row rows[] = {
    row<Exp>("exp", [](double x) { return std::exp(x); }, 1.05),
    row<Expm1>("expm1", [](double x) { return std::expm1(x); }, 1.7),
    row<Log>("log", [](double x) { return std::log(x); }, 1.0),
    row<Log1p>("log1p", [](double x) { return std::log1p(x); }, 1.75),
    row<Sin>("sin", [](double x) { return std::sin(x); }, 2.35, 8192.0f),
    row<Cos>("cos", [](double x) { return std::cos(x); }, 2.35, 8192.0f),
    row<Tanh>("tanh", [](double x) { return std::tanh(x); }, 2.5),
    row<Sigmoid>("sigmoid", sigmoid_exact, 2.42),
    row<Erf>("erf", [](double x) { return std::erf(x); }, 1.1),
    row<Sqrt>("sqrt", [](double x) { return std::sqrt(x); }, 0.5),
    row<Rsqrt>("rsqrt", [](double x) { return 1.0 / std::sqrt(x); }, 1.5),
};

/// Every 997th bit pattern, and all floats close to where a formula or the format changes.
std::vector<float> inputs() {
  std::vector<float> x;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 997) {
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  std::vector<float> centres = {0x1p-25f, 0x1p-126f, 0x1p-149f + 0x1p-138f, 0.5f, 0.70710678f,
                                0.9f, 1.0f, 1.41421356f, 2.0f / 3.0f, 4.0f / 3.0f, 1.0f / 3.0f,
                                3.84f, 4.0f, 9.0f, 9.125f, 17.33f, 18.0f, 87.33654f, 88.37626f,
                                88.72284f, 89.0f, 103.27893f, 103.97208f, 104.0f, 0x1p23f,
                                0x1.6a09e6p127f, 0x1.555554p127f};
  for (int k = 1; k < 300; ++k) centres.push_back(static_cast<float>(k * 0.34657359028));
  for (const float centre : centres) {
    const std::uint32_t middle = std::bit_cast<std::uint32_t>(centre);
    for (std::uint32_t bits = middle - 400; bits != middle + 400; ++bits) {
      x.push_back(std::bit_cast<float>(bits));
      x.push_back(-std::bit_cast<float>(bits));
    }
  }
  for (int k = 1; k < 5216; ++k) {  // next to a zero of sine or cosine
    const float near_zero = static_cast<float>(k * 1.5707963267948966);
    x.insert(x.end(), {near_zero, -near_zero, std::nextafter(near_zero, 0.0f)});
  }
  for (std::uint32_t bits = 0; bits < 2000; ++bits) {
    x.push_back(std::bit_cast<float>(bits));
    x.push_back(-std::bit_cast<float>(bits));
    x.push_back(std::bit_cast<float>(0x7F800000u - bits));
    x.push_back(-std::bit_cast<float>(0x7F800000u - bits));
  }
  x.resize((x.size() + logical_lanes - 1) / logical_lanes * logical_lanes, 1.0f);
  return x;
}

}  // namespace

TEST_CASE("elementary functions stay within their ulp over all floats") {
  const std::vector<float> x = inputs();
  std::vector<float> y(x.size());
  for (const Row& row : rows) {
    row.evaluate(x.data(), y.data(), x.size());
    double worst = 0.0;
    float at = 0.0f;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isfinite(x[i]) && std::fabs(x[i]) > row.domain) continue;
      const double error = ulps(y[i], row.exact(double{x[i]}));
      if (error > worst) {
        worst = error;
        at = x[i];
      }
    }
    CAPTURE(row.name, at, worst);
    CHECK(worst <= row.limit);
    CHECK(worst > 0.3);  // else nothing was compared
  }
}

TEST_CASE("elementary functions give the same bits for every lane count") {
  std::vector<float> x = inputs();
  x.erase(x.begin(), x.end() - 400'000);
  std::vector<float> wide(x.size());
  std::vector<float> narrow(x.size());
  for (const Row& row : rows) {
    row.evaluate(x.data(), wide.data(), x.size());
    row.evaluate_one_lane(x.data(), narrow.data(), x.size());
    CAPTURE(row.name);
    CHECK(std::equal(wide.begin(), wide.end(), narrow.begin(), same));
  }
}

TEST_CASE("sine and cosine stay within [-1, 1] however large the angle") {
  for (float x = 8192.0f; x < inf; x *= 1.37f) {
    CAPTURE(x);
    CHECK(std::fabs(one<Sin>(x)) <= 1.0f);
    CHECK(std::fabs(one<Cos>(x)) <= 1.0f);
    CHECK(one<Sin>(-x) == -one<Sin>(x));
    CHECK(one<Cos>(-x) == one<Cos>(x));
  }
}

TEST_CASE("NaN in gives NaN out") {
  for (const std::uint32_t bits : {0x7FC00000u, 0xFFC00000u, 0x7FC12345u, 0x7FFFFFFFu,
                                   0xFFFFFFFFu}) {
    const float x = std::bit_cast<float>(bits);
    std::vector<float> in(logical_lanes, x);
    std::vector<float> out(logical_lanes);
    for (const Row& row : rows) {
      row.evaluate(in.data(), out.data(), in.size());
      CAPTURE(row.name, bits);
      CHECK(std::isnan(out[0]));
    }
    CHECK(std::isnan(one<Abs>(x)));
  }
}

TEST_CASE("elementary functions are exact where the mathematics is") {
  struct Case {
    float (*f)(float);
    float x, y;
  };
  const Case cases[] = {
      {one<Exp>, 0.0f, 1.0f},               {one<Exp>, -0.0f, 1.0f},
      {one<Exp>, inf, inf},                 {one<Exp>, -inf, 0.0f},
      {one<Exp>, 88.73f, inf},              {one<Exp>, 200.0f, inf},
      {one<Exp>, largest, inf},             {one<Exp>, -largest, 0.0f},
      {one<Exp>, -103.9f, tiniest},         {one<Exp>, -104.0f, 0.0f},
      {one<Expm1>, 0.0f, 0.0f},             {one<Expm1>, -0.0f, -0.0f},
      {one<Expm1>, inf, inf},               {one<Expm1>, -inf, -1.0f},
      {one<Expm1>, largest, inf},           {one<Expm1>, -largest, -1.0f},
      {one<Expm1>, tiniest, tiniest},       {one<Expm1>, -tiniest, -tiniest},
      {one<Log>, 1.0f, 0.0f},               {one<Log>, 0.0f, -inf},
      {one<Log>, -0.0f, -inf},              {one<Log>, inf, inf},
      {one<Log>, -inf, undefined},          {one<Log>, -1.0f, undefined},
      {one<Log>, -tiniest, undefined},      {one<Log1p>, -1.0f, -inf},
      {one<Log1p>, 0.0f, 0.0f},             {one<Log1p>, -0.0f, -0.0f},
      {one<Log1p>, inf, inf},               {one<Log1p>, -inf, undefined},
      {one<Log1p>, -1.5f, undefined},       {one<Log1p>, tiniest, tiniest},
      {one<Sin>, 0.0f, 0.0f},               {one<Sin>, -0.0f, -0.0f},
      {one<Sin>, inf, undefined},           {one<Sin>, -inf, undefined},
      {one<Sin>, tiniest, tiniest},         {one<Sin>, -tiniest, -tiniest},
      {one<Cos>, 0.0f, 1.0f},               {one<Cos>, -0.0f, 1.0f},
      {one<Cos>, inf, undefined},           {one<Cos>, -inf, undefined},
      {one<Cos>, tiniest, 1.0f},            {one<Cos>, 0x1p-13f, 1.0f},
      {one<Tanh>, 0.0f, 0.0f},              {one<Tanh>, -0.0f, -0.0f},
      {one<Tanh>, inf, 1.0f},               {one<Tanh>, -inf, -1.0f},
      {one<Tanh>, largest, 1.0f},           {one<Tanh>, -20.0f, -1.0f},
      {one<Tanh>, tiniest, tiniest},        {one<Tanh>, -tiniest, -tiniest},
      {one<Sigmoid>, 0.0f, 0.5f},           {one<Sigmoid>, -0.0f, 0.5f},
      {one<Sigmoid>, inf, 1.0f},            {one<Sigmoid>, -inf, 0.0f},
      {one<Sigmoid>, -200.0f, 0.0f},        {one<Sigmoid>, 200.0f, 1.0f},
      {one<Sigmoid>, -largest, 0.0f},       {one<Erf>, 0.0f, 0.0f},
      {one<Erf>, -0.0f, -0.0f},             {one<Erf>, inf, 1.0f},
      {one<Erf>, -inf, -1.0f},              {one<Erf>, largest, 1.0f},
      {one<Erf>, -4.0f, -1.0f},             {one<Erf>, tiniest, tiniest},
      {one<Sqrt>, 0.0f, 0.0f},              {one<Sqrt>, -0.0f, -0.0f},
      {one<Sqrt>, inf, inf},                {one<Sqrt>, -1.0f, undefined},
      {one<Rsqrt>, 0.0f, inf},              {one<Rsqrt>, inf, 0.0f},
      {one<Rsqrt>, -1.0f, undefined},       {one<Rsqrt>, 4.0f, 0.5f},
      {one<Abs>, -0.0f, 0.0f},              {one<Abs>, -inf, inf},
      {one<Abs>, -tiniest, tiniest},        {one<Abs>, 2.5f, 2.5f},
  };
  for (const Case& c : cases) {
    CAPTURE(&c - cases, c.x, c.y, c.f(c.x));
    CHECK(same(c.f(c.x), c.y));
  }
}

TEST_CASE("max and min are NaN if either side is") {
  const float values[] = {-inf, -1.5f, -tiniest, 0.0f, 2.0f, largest, inf, undefined, -undefined};
  for (const float a : values) {
    for (const float b : values) {
      const bool either = std::isnan(a) || std::isnan(b);
      CAPTURE(a, b);
      CHECK(same(one<Max>(a, b), either ? undefined : std::max(a, b)));
      CHECK(same(one<Min>(a, b), either ? undefined : std::min(a, b)));
    }
  }
  CHECK(same(one<Max>(-0.0f, 0.0f), 0.0f));
  CHECK(same(one<Max>(0.0f, -0.0f), -0.0f));
}

TEST_CASE("pow has the special cases of C") {
  const float values[] = {-inf,     -largest, -0x1p25f, -3.0f,  -2.5f, -2.0f, -1.0f,  -0.5f,
                          -tiniest, -0.0f,    0.0f,     tiniest, 0.5f,  1.0f,  2.0f,   2.5f,
                          3.0f,     7.0f,     0x1p23f,  0x1.000002p23f, 0x1p24f, 0x1p25f,
                          largest,  inf,      undefined};
  for (const float x : values) {
    for (const float y : values) {
      const double exact = std::pow(double{x}, double{y});
      const float expected = static_cast<float>(exact);
      const float got = one<Pow>(x, y);
      CAPTURE(x, y, got, expected);
      CHECK(std::signbit(got) == std::signbit(std::isnan(exact) ? got : expected));
      if (std::isnan(exact) || std::isinf(expected) || expected == 0.0f) {
        CHECK(same(got, std::isnan(exact) ? undefined : expected));
      } else {
        CHECK(ulps(got, exact) <= 3.0);
      }
    }
  }
}

TEST_CASE("pow is accurate for all bases and results, denormal ones too") {
  constexpr std::size_t n = 1 << 18;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> logarithm(-104.5, 89.5);
  std::uniform_real_distribution<double> near_one(0.5, 2.0);
  std::vector<float> x(n);
  std::vector<float> y(n);
  std::vector<float> z(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto bits = static_cast<std::uint32_t>(random() % 0x7F800000u);
    x[i] = i % 2 == 0 ? static_cast<float>(near_one(random)) : std::bit_cast<float>(bits);
    if (x[i] == 0.0f || x[i] == 1.0f) x[i] = 3.0f;
    const double bound = i % 4 < 2 ? logarithm(random) : logarithm(random) / 40.0;
    y[i] = static_cast<float>(bound / std::log(double{x[i]}));
  }
  evaluate<Pow>(x.data(), y.data(), z.data(), n);
  double worst = 0.0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double error = ulps(z[i], std::pow(double{x[i]}, double{y[i]}));
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  CAPTURE(worst, x[at], y[at], z[at]);
  CHECK(worst <= 3.0);
}
