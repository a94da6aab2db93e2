// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_RANDOM_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_RANDOM_HPP
#undef ETCH_KERNELS_RANDOM_HPP
#else
#define ETCH_KERNELS_RANDOM_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "etch/expr/mix.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

template <class DU> HWY_INLINE hn::Vec<DU> mixed(DU d, hn::Vec<DU> x) {
  using etch::detail::mix_factors;
  using etch::detail::mix_shifts;
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<mix_shifts[0]>(x)), hn::Set(d, mix_factors[0]));
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<mix_shifts[1]>(x)), hn::Set(d, mix_factors[1]));
  return hn::Xor(x, hn::ShiftRight<mix_shifts[2]>(x));
}

/// etch::detail::uniform_at of the places first, first + step, ...
template <std::uint32_t stream, std::uint32_t step, class D>
HWY_INLINE hn::Vec<D> uniform_at(D d, std::size_t first, hn::Vec<D> key0, hn::Vec<D> key1) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const auto word = [&](hn::Vec<D> key) HWY_ATTR {
    return hn::BitCast(du, hn::ConvertTo(di, key));
  };
  const auto start = hn::Set(du, static_cast<std::uint32_t>(first));
  const auto place = hn::Add(start, hn::Mul(hn::Iota(du, 0), hn::Set(du, step)));
  const auto second = hn::Xor(word(key1), hn::Set(du, stream << 24));
  const auto x = mixed(du, hn::Add(mixed(du, hn::Add(place, word(key0))), second));
  const auto bits = hn::BitCast(di, hn::ShiftRight<8>(x));  // below 2^24: exact as a float
  return hn::Mul(hn::ConvertTo(d, bits), hn::Set(d, 0x1p-24f));
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
