// SPDX-License-Identifier: BSL-1.0
// Elementary functions on float vectors: same bits on every target that has a fused multiply-add.
//
// Largest error in ulp of the exact result (denormals included, a result of infinity counts as
// 2^128), found over all 2^32 floats; "no FMA" is HWY_SCALAR, EMU128 and SSE, which agree among
// themselves too:
//
//             FMA   no FMA              FMA   no FMA
//   exp       1.04  1.01      tanh      2.50  2.50
//   expm1     1.53  1.66      sigmoid   2.41  2.41
//   log       0.89  0.96      erf       0.93  1.09
//   log1p     1.60  1.71      rsqrt     1.50  1.50
//   pow       2.4   2.6       (245 million samples: all bases, results from denormals to overflow)
//
// All polynomials are our own minimax fits (Lawson's reweighted least squares in long double, the
// coefficients rounded to float from the lowest order up, the others refitted after each).
#if defined(ETCH_KERNELS_MATH_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_MATH_HPP
#undef ETCH_KERNELS_MATH_HPP
#else
#define ETCH_KERNELS_MATH_HPP
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float quiet_nan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float min_normal = std::numeric_limits<float>::min();

// MAXPS is by definition a > b ? a : b; elsewhere hn::Max may differ for NaN and zeros.
inline constexpr bool max_is_comparison =
    HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128;

// ln 2 as Cody and Waite split it: the high part has 9 bits, so its product with an exponent is
// exact with and without FMA.
inline constexpr float ln2_high = 0.693359375f;
inline constexpr float ln2_low = -2.12194440e-4f;

/// c0 + x (c1 + x (c2 + ...))
template <class D, class V, class... C>
HWY_INLINE V polynomial(D d, V x, float c0, C... c) {
  if constexpr (sizeof...(c) == 0) {
    return hn::Set(d, c0);
  } else {
    return hn::MulAdd(x, polynomial(d, x, c...), hn::Set(d, c0));
  }
}

/// A comparison with NaN is false, so NaN passes (hn::Min and hn::Max differ by target there).
template <class D, class V>
HWY_INLINE V at_least(D d, V x, float low) {
  const V limit = hn::Set(d, low);
  return hn::IfThenElse(hn::Lt(x, limit), limit, x);
}

template <class D, class V>
HWY_INLINE V at_most(D d, V x, float high) {
  const V limit = hn::Set(d, high);
  return hn::IfThenElse(hn::Gt(x, limit), limit, x);
}

/// x = n ln 2 + r with |r| <= ln 2 / 2; the low 9 bits of the result hold n + bias, those above
/// are a multiple of 512. Needs |x| < 128 or NaN, and n + bias in [0, 511].
template <class D, class V>
HWY_INLINE hn::VFromD<hn::RebindToSigned<D>> split_exponent(D d, V x, int bias, V& r) {
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the mantissa.
  const V magic = hn::Set(d, 12582912.0f + static_cast<float>(bias));
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic);
  const V n = hn::Sub(shifted, magic);
  r = hn::NegMulAdd(n, hn::Set(d, ln2_high), x);
  r = hn::NegMulAdd(n, hn::Set(d, ln2_low), r);
  return hn::BitCast(hn::RebindToSigned<D>(), shifted);
}

/// e^r - 1 for |r| <= ln 2 / 2, relative error of the fit 2^-26.1.
template <class D, class V>
HWY_INLINE V expm1_polynomial(D d, V r) {
  const V p = polynomial(d, r, 0.49999997f, 0.16666545f, 0.0416674651f, 0.00836642366f,
                         0.00138683186f);
  return hn::MulAdd(hn::Mul(r, r), p, r);
}

/// 2^n e^r from what split_exponent gave with bias 254. Two factors 2^(n/2), for n = 128 and for
/// denormal results, of which only the second product rounds.
template <class D, class V, class VI>
HWY_INLINE V exp_scaled(D d, V r, VI n_biased) {
  const VI half = hn::ShiftRight<1>(n_biased);
  const V scale1 = hn::BitCast(d, hn::ShiftLeft<23>(half));
  const V scale2 = hn::BitCast(d, hn::ShiftLeft<23>(hn::Sub(n_biased, half)));
  const V e = hn::Add(hn::Set(d, 1.0f), expm1_polynomial(d, r));
  return hn::Mul(hn::Mul(e, scale1), scale2);
}

/// exp for x in [-104, 89] or NaN.
template <class D, class V>
HWY_INLINE V exp_in_range(D d, V x) {
  V r;
  const auto n = split_exponent(d, x, 254, r);
  return exp_scaled(d, r, n);
}

/// (e^x - 1) / 2 for x in [-87, 89] or NaN. Half of it, since 2^128 is no float, and tanh and erf
/// want it so.
///
///   e^x - 1 = 2^n (e^r - 1) + (2^n - 1)
template <class D, class V>
HWY_INLINE V half_expm1(D d, V x) {
  V r;
  const auto n = split_exponent(d, x, 126, r);
  const V scale = hn::BitCast(d, hn::ShiftLeft<23>(n));  // 2^(n-1)
  return hn::MulAdd(scale, expm1_polynomial(d, r), hn::Sub(scale, hn::Set(d, 0.5f)));
}

// Bit patterns of the smallest mantissa that split_mantissa gives.
inline constexpr std::int32_t two_thirds = 0x3F2AAAAB;  // keeps |m - 1| smallest
inline constexpr std::int32_t root_half = 0x3F3504F3;   // keeps |ln m| smallest

/// x = 2^k m with m in [lowest, 2 lowest), for normal x > 0; returns k.
template <class D, class V>
HWY_INLINE hn::VFromD<hn::RebindToSigned<D>> split_mantissa(D d, V x, std::int32_t lowest, V& m) {
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(di, x);
  const auto k = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, lowest)));
  m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(k)));
  return k;
}

/// The same for denormals too; k as a float.
template <class D, class V>
HWY_INLINE V split_positive(D d, V x, std::int32_t lowest, V& m) {
  const auto denormal = hn::Lt(x, hn::Set(d, min_normal));
  const V normal = hn::IfThenElse(denormal, hn::Mul(x, hn::Set(d, 0x1p25f)), x);
  const V k = hn::ConvertTo(d, split_mantissa(d, normal, lowest, m));
  return hn::Sub(k, hn::IfThenElseZero(denormal, hn::Set(d, 25.0f)));
}

/// k ln 2 + ln(1 + f) for f in [-1/3, 1/3], relative error of the fit 2^-27.7.
template <class D, class V>
HWY_INLINE V log_reduced(D d, V k, V f) {
  const V p = polynomial(d, f, 0.333332151f, -0.249998048f, 0.200104356f, -0.166802227f,
                         0.140055388f, -0.12187428f, 0.139856383f, -0.128793985f);
  const V tail = hn::MulAdd(f, p, hn::Set(d, -0.5f));
  const V small = hn::MulAdd(hn::Mul(f, f), tail, hn::Mul(k, hn::Set(d, ln2_low)));
  return hn::MulAdd(k, hn::Set(d, ln2_high), hn::Add(f, small));
}

/// What a logarithm with its pole at `pole` gives for x outside (pole, inf): -inf at the pole,
/// NaN below, x itself for inf and NaN.
template <class D, class V>
HWY_INLINE V log_special(D d, V x, float pole, V inside) {
  const V at = hn::Set(d, pole);
  V y = hn::IfThenElse(hn::Lt(x, hn::Set(d, infinity)), inside, x);
  y = hn::IfThenElse(hn::Lt(x, at), hn::Set(d, quiet_nan), y);
  return hn::IfThenElse(hn::Eq(x, at), hn::Set(d, -infinity), y);
}

/// a b - product exactly, where product is a b rounded (barring underflow and overflow).
template <class D, class V>
HWY_INLINE V product_error(D d, V a, V b, V product) {
  if constexpr (HWY_NATIVE_FMA) {
    return hn::MulSub(a, b, product);
  } else {
    // Dekker's product: Veltkamp halves of 12 bits multiply exactly.
    const V splitter = hn::Set(d, 4097.0f);
    const V a_wide = hn::Mul(a, splitter);
    const V b_wide = hn::Mul(b, splitter);
    const V a1 = hn::Sub(a_wide, hn::Sub(a_wide, a));
    const V b1 = hn::Sub(b_wide, hn::Sub(b_wide, b));
    const V a2 = hn::Sub(a, a1);
    const V b2 = hn::Sub(b, b1);
    V error = hn::Sub(hn::Mul(a1, b1), product);
    error = hn::Add(error, hn::Mul(a1, b2));
    error = hn::Add(error, hn::Mul(a2, b1));
    return hn::Add(error, hn::Mul(a2, b2));
  }
}

/// ln x for finite x > 0 as the unevaluated sum high + low, to about 2^-30 relative.
///
///   ln x = k ln 2 + 2 artanh(s),  s = (m - 1) / (m + 1)
template <class D, class V>
HWY_INLINE V log_two_floats(D d, V x, V& low) {
  const V one = hn::Set(d, 1.0f);
  V m;
  const V k = split_positive(d, x, root_half, m);
  const V f = hn::Sub(m, one);
  const V sum = hn::Add(m, one);
  const V sum_low = hn::Sub(m, hn::Sub(sum, one));
  const V reciprocal = hn::Div(one, sum);
  const V s = hn::Mul(f, reciprocal);
  const V product = hn::Mul(s, sum);
  V rest = hn::Sub(hn::Sub(f, product), product_error(d, s, sum, product));
  rest = hn::NegMulAdd(s, sum_low, rest);
  const V s_low = hn::Mul(rest, reciprocal);

  // (2 artanh(s) - 2 s) / s^3 over s^2, error of the fit 2^-35 of the logarithm.
  const V z = hn::Mul(s, s);
  const V p = polynomial(d, z, 0.666666627f, 0.400009722f, 0.284987867f, 0.242792517f);
  const V slope = hn::MulAdd(z, hn::Set(d, 2.0f), hn::Set(d, 2.0f));  // 2 artanh', about
  V tail = hn::MulAdd(hn::Mul(z, p), s, hn::Mul(s_low, slope));
  tail = hn::MulAdd(k, hn::Set(d, ln2_low), tail);

  const V k_ln2 = hn::Mul(k, hn::Set(d, ln2_high));
  const V s2 = hn::Add(s, s);
  const V high = hn::Add(k_ln2, s2);  // |k ln 2| >= |2 s| unless k = 0: Dekker's sum is exact
  tail = hn::Add(tail, hn::Sub(s2, hn::Sub(high, k_ln2)));
  const V result = hn::Add(high, tail);
  low = hn::Sub(tail, hn::Sub(result, high));
  return result;
}

/// Sign, NaN and the exact cases of pow around `magnitude` = |x|^y, as C's Annex F has them.
template <class D, class V>
HWY_INLINE V pow_special(D d, V x, V y, V magnitude) {
  const V one = hn::Set(d, 1.0f);
  const V half_y = hn::Mul(y, hn::Set(d, 0.5f));
  const auto integer = hn::Eq(hn::Round(y), y);
  const auto odd = hn::And(integer, hn::Ne(hn::Round(half_y), half_y));
  const V sign = hn::IfThenElseZero(odd, hn::And(x, hn::SignBit(d)));

  V result = hn::IfThenElse(hn::Eq(hn::Abs(x), one), one, magnitude);
  result = hn::Xor(result, sign);
  const auto negative = hn::And(hn::Lt(x, hn::Zero(d)), hn::Gt(x, hn::Set(d, -infinity)));
  const auto undefined = hn::Or(hn::AndNot(integer, negative), hn::Or(hn::IsNaN(x), hn::IsNaN(y)));
  result = hn::IfThenElse(undefined, hn::Set(d, quiet_nan), result);
  return hn::IfThenElse(hn::Or(hn::Eq(x, one), hn::Eq(y, hn::Zero(d))), one, result);
}

}  // namespace detail

/// |x|; clears the sign of NaN too.
template <class D, class V>
HWY_INLINE V abs(D, V x) {
  return hn::Abs(x);
}

/// Square root, correctly rounded.
template <class D, class V>
HWY_INLINE V sqrt(D, V x) {
  return hn::Sqrt(x);
}

/// 1 / sqrt(x), from the rounded square root and one division: inf for 0, NaN below.
template <class D, class V>
HWY_INLINE V rsqrt(D d, V x) {
  return hn::Div(hn::Set(d, 1.0f), hn::Sqrt(x));
}

/// The larger of a and b; NaN if either is, as torch.maximum. Gives b for zeros of either sign.
template <class D, class V>
HWY_INLINE V max(D, V a, V b) {
  V larger;
  if constexpr (detail::max_is_comparison) {
    larger = hn::Max(a, b);
  } else {
    larger = hn::IfThenElse(hn::Gt(a, b), a, b);
  }
  return hn::IfThenElse(hn::IsNaN(a), a, larger);
}

/// The smaller of a and b; NaN if either is, as torch.minimum. Gives b for zeros of either sign.
template <class D, class V>
HWY_INLINE V min(D, V a, V b) {
  V smaller;
  if constexpr (detail::max_is_comparison) {
    smaller = hn::Min(a, b);
  } else {
    smaller = hn::IfThenElse(hn::Lt(a, b), a, b);
  }
  return hn::IfThenElse(hn::IsNaN(a), a, smaller);
}

/// x where it is not negative, else 0; NaN stays.
template <class D, class V>
HWY_INLINE V relu(D d, V x) {
  if constexpr (detail::max_is_comparison) return hn::Max(hn::Zero(d), x);
  return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
}

/// e^x: 0 below about -103.97, inf above about 88.72, denormals between -103.97 and -87.34.
template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  return detail::exp_in_range(d, detail::at_most(d, detail::at_least(d, x, -104.0f), 89.0f));
}

/// e^x - 1, accurate near 0; keeps the sign of 0.
template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  const V clamped = detail::at_most(d, detail::at_least(d, x, -18.0f), 89.0f);
  const V half = detail::half_expm1(d, clamped);
  const auto tiny = hn::Lt(hn::Abs(x), hn::Set(d, 0x1p-25f));  // half of a denormal is inexact
  return hn::IfThenElse(tiny, x, hn::Add(half, half));
}

/// ln x: -inf for 0, NaN below.
template <class D, class V>
HWY_INLINE V log(D d, V x) {
  V m;
  const V k = detail::split_positive(d, x, detail::two_thirds, m);
  const V y = detail::log_reduced(d, k, hn::Sub(m, hn::Set(d, 1.0f)));
  return detail::log_special(d, x, 0.0f, y);
}

/// ln(1 + x), accurate near 0; keeps the sign of 0. -inf for -1, NaN below.
///
///   1 + x = 2^k (1 + f)  with  f = 2^-k x + (2^-k - 1): one rounding, however 1 + x rounds
template <class D, class V>
HWY_INLINE V log1p(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V one = hn::Set(d, 1.0f);
  const V quarter = hn::Set(d, 0.25f);
  V unused;
  const auto k = detail::split_mantissa(d, hn::Add(one, x), detail::two_thirds, unused);
  // 4 * 2^-k, since 2^-128 is denormal.
  const V scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::Sub(hn::Set(di, 129), k)));
  const V f = hn::MulAdd(hn::Mul(x, quarter), scale, hn::MulSub(scale, quarter, one));
  const V y = detail::log_special(d, x, -1.0f, detail::log_reduced(d, hn::ConvertTo(d, k), f));
  return hn::IfThenElse(hn::Lt(hn::Abs(x), hn::Set(d, 0x1p-25f)), x, y);
}

/// tanh x, with h = (e^(-2|x|) - 1) / 2:  tanh |x| = -h / (1 + h).
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  const V limited = detail::at_most(d, hn::Abs(x), 9.125f);  // 1 from 9.02 on
  const V h = detail::half_expm1(d, hn::Mul(limited, hn::Set(d, -2.0f)));
  return hn::CopySign(hn::Div(h, hn::Add(hn::Set(d, 1.0f), h)), x);
}

/// 1 / (1 + e^-x), from e = e^-|x|, which cannot overflow: e / (1 + e) below 0, 1 / (1 + e) above.
template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V negative = hn::Or(x, hn::SignBit(d));
  const V e = detail::exp_in_range(d, detail::at_least(d, negative, -104.0f));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

/// The error function 2 / sqrt(pi) * integral of e^(-t^2) over t from 0 to x.
///
///   |x| < 0.9: x + x p(x^2)      |x| >= 0.9: 1 - e^-(t + t q(t)), t = min(|x|, 4)
template <class D, class V>
HWY_INLINE V erf(D d, V x) {
  const V z = hn::Mul(x, x);
  const V p = detail::polynomial(d, z, 0.128379151f, -0.376125067f, 0.112819761f, -0.0267730337f,
                                 0.00500341924f, -0.000604710483f);
  const V near_zero = hn::MulAdd(x, p, x);

  const V magnitude = hn::Abs(x);
  const V t = detail::at_most(d, magnitude, 4.0f);  // 1 from 3.84 on
  const V q = detail::polynomial(d, t, 0.128519952f, 0.635699391f, 0.105286792f, -0.0229059681f,
                                 0.00321994838f, -0.000214590851f);
  const V half = detail::half_expm1(d, hn::Neg(hn::MulAdd(t, q, t)));
  const V far_out = hn::CopySign(hn::Add(half, half), x);
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.9f)), near_zero, far_out);
}

/// x^y with C's special cases: 1 for y = 0 or x = 1 whatever the other, NaN for a finite x < 0
/// with a y that is no integer.
template <class D, class V>
HWY_INLINE V pow(D d, V x, V y) {
  const V base = hn::Abs(x);
  const V infinite = hn::Set(d, detail::infinity);
  V low;
  V high = detail::log_two_floats(d, base, low);
  high = hn::IfThenElse(hn::Eq(base, infinite), infinite, high);
  high = hn::IfThenElse(hn::Eq(base, hn::Zero(d)), hn::Neg(infinite), high);

  const V product = hn::Mul(high, y);
  const V error = hn::MulAdd(low, y, detail::product_error(d, high, y, product));
  const V limited = detail::at_most(d, detail::at_least(d, product, -104.0f), 89.0f);
  V r;
  const auto n = detail::split_exponent(d, limited, 254, r);
  // A clamped product overflows or underflows whatever its error, which may be NaN there.
  r = hn::Add(r, hn::IfThenElseZero(hn::Eq(product, limited), error));
  return detail::pow_special(d, x, y, detail::exp_scaled(d, r, n));
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
