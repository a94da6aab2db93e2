// SPDX-License-Identifier: BSL-1.0
// Sine and cosine, made as the functions of math.hpp are. Largest error in ulp, over all floats
// with |x| <= 8192: sin 2.34, cos 2.33, with and without FMA.
#if defined(ETCH_KERNELS_TRIGONOMETRY_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_TRIGONOMETRY_HPP
#undef ETCH_KERNELS_TRIGONOMETRY_HPP
#else
#define ETCH_KERNELS_TRIGONOMETRY_HPP
#endif

#include <hwy/highway.h>

#include "etch/kernels/math.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

// pi / 2 in parts of 11 bits and a rest: their products with an integer below 2^13 are exact with
// and without FMA. With FMA the differences are exact far beyond that.
inline constexpr float half_pi1 = 1.5703125f;
inline constexpr float half_pi2 = 0x1.fb4p-12f;
inline constexpr float half_pi3 = 0x1.444p-24f;
inline constexpr float half_pi4 = 2.56334407e-12f;

/// x = n pi / 2 + r with |r| <= pi / 4, hardly more; the low bits of the result are those of n.
/// Needs |x| <= 2^22 or NaN.
template <class D, class V>
HWY_INLINE hn::VFromD<hn::RebindToSigned<D>> split_quadrant(D d, V x, V& r) {
  const V magic = hn::Set(d, 12582912.0f);  // as in split_exponent
  const V shifted = hn::MulAdd(x, hn::Set(d, 0.636619772f), magic);
  const V n = hn::Sub(shifted, magic);
  r = hn::NegMulAdd(n, hn::Set(d, half_pi1), x);
  r = hn::NegMulAdd(n, hn::Set(d, half_pi2), r);
  r = hn::NegMulAdd(n, hn::Set(d, half_pi3), r);
  r = hn::NegMulAdd(n, hn::Set(d, half_pi4), r);
  return hn::BitCast(hn::RebindToSigned<D>(), shifted);
}

/// sin(x + quarters pi / 2): sin r, cos r, -sin r, -cos r by turns. Relative errors of the fits
/// 2^-27.9 and 2^-33.1.
template <int quarters, class D, class V>
HWY_INLINE V sine(D d, V x) {
  const hn::RebindToSigned<D> di;
  V r;
  const V limited = at_most(d, at_least(d, x, -0x1p22f), 0x1p22f);
  const auto n = hn::Add(split_quadrant(d, limited, r), hn::Set(di, quarters));
  const V z = hn::Mul(r, r);
  const V p = polynomial(d, z, -0.16666655f, 0.00833218824f, -0.000195180852f);
  const V q = polynomial(d, z, 0.0416666456f, -0.00138873013f, 2.44306611e-05f);
  const V sin_r = hn::MulAdd(hn::Mul(r, z), p, r);
  const V cos_r = hn::MulAdd(hn::Mul(z, z), q, hn::NegMulAdd(z, hn::Set(d, 0.5f),
                                                             hn::Set(d, 1.0f)));
  const auto even = hn::Eq(hn::And(n, hn::Set(di, 1)), hn::Zero(di));
  const V y = hn::IfThenElse(hn::RebindMask(d, even), sin_r, cos_r);
  const V sign = hn::BitCast(d, hn::ShiftLeft<30>(hn::And(n, hn::Set(di, 2))));
  const auto finite = hn::Lt(hn::Abs(x), hn::Set(d, infinity));
  return hn::IfThenElse(finite, hn::Xor(y, sign), hn::Set(d, quiet_nan));
}

}  // namespace detail

/// sin x for |x| <= 8192; beyond it is less and less accurate, but within [-1, 1]. NaN for
/// infinities; keeps the sign of 0.
template <class D, class V>
HWY_INLINE V sin(D d, V x) {
  const auto tiny = hn::Lt(hn::Abs(x), hn::Set(d, 0x1p-13f));
  return hn::IfThenElse(tiny, x, detail::sine<0>(d, x));
}

/// cos x, as accurate as sin.
template <class D, class V>
HWY_INLINE V cos(D d, V x) {
  return detail::sine<1>(d, x);
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
