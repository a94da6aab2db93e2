// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_SMALL_NUMBERS_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_SMALL_NUMBERS_HPP
#undef ETCH_KERNELS_SMALL_NUMBERS_HPP
#else
#define ETCH_KERNELS_SMALL_NUMBERS_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "etch/expr/number_type.hpp"
#include "etch/kernels/lanes.hpp"

// Numbers of one or two bytes, expanded to floats or 32-bit integers in registers.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// Element i of a tensor that is declared as floats.
template <NumberType type> HWY_INLINE float small_number(const float* data, std::size_t i) {
  typename etch::detail::stored_number<type>::of value;
  std::memcpy(&value, reinterpret_cast<const unsigned char*>(data) + i * sizeof value,
              sizeof value);
  return static_cast<float>(value);
}

/// `count` lanes that lie `stride` apart from element i on, zeros above them.
template <NumberType type, std::size_t count, std::size_t stride, class D>
HWY_INLINE hn::Vec<D> load_small(D d, const float* data, std::size_t i) {
  if constexpr (stride == 0 || count == 1) {
    return hn::Set(d, small_number<type>(data, i));
  } else {
    HWY_ALIGN float expanded[hn::MaxLanes(D{})] = {};
    for (std::size_t k = 0; k < count; ++k) {
      expanded[k] = small_number<type>(data, i + k * stride);
    }
    return hn::Load(d, expanded);
  }
}

/// Two bf16 for each lane of D, as 32 bits: the first in the lower half. `count` lanes are there.
template <std::size_t count, class D>
HWY_INLINE hn::Vec<hn::Rebind<std::uint32_t, D>> load_bf16_pairs(D, const unsigned char* p) {
  const hn::Rebind<std::uint32_t, D> d;
  if constexpr (count == hn::MaxLanes(D{})) {
    return hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(p));
  } else {
    HWY_ALIGN std::uint32_t copy[hn::MaxLanes(D{})] = {};
    std::memcpy(copy, p, count * 4);
    return hn::Load(d, copy);
  }
}

/// Two int8 for each lane of D, as 16 bits each.
template <std::size_t count, class D>
HWY_INLINE auto load_int8_pairs(D, const unsigned char* p) {
  const hn::Repartition<std::int16_t, D> d16;
  const hn::Rebind<std::int8_t, decltype(d16)> d8;
  if constexpr (count == hn::MaxLanes(D{})) {
    return hn::PromoteTo(d16, hn::LoadU(d8, reinterpret_cast<const std::int8_t*>(p)));
  } else {
    HWY_ALIGN std::int8_t copy[2 * hn::MaxLanes(D{})] = {};
    std::memcpy(copy, p, count * 2);
    return hn::PromoteTo(d16, hn::Load(d8, copy));
  }
}

/// sum + x0 w0 + x1 w1 for the pairs of 16-bit integers in each lane of D, a signed 32-bit tag; by
/// any instruction, as integers are exact.
template <class D, class V16>
HWY_INLINE hn::Vec<D> add_pair_products(D d, V16 w, V16 x, hn::Vec<D> sum) {
#if defined(__AVX512VNNI__) && HWY_TARGET <= HWY_AVX3
  if constexpr (hn::MaxLanes(D{}) == 16) return {_mm512_dpwssd_epi32(sum.raw, w.raw, x.raw)};
#endif
  if constexpr (has_x86_vectors) {  // on others the op of that name adds other lanes
    hn::Vec<D> other = sum;
    return hn::ReorderWidenMulAccumulate(d, w, x, sum, other);
  } else {
    const auto even = [&](V16 v) HWY_ATTR {
      return hn::ShiftRight<16>(hn::ShiftLeft<16>(hn::BitCast(d, v)));
    };
    const auto odd = [&](V16 v) HWY_ATTR { return hn::ShiftRight<16>(hn::BitCast(d, v)); };
    const auto both = hn::Add(hn::Mul(even(w), even(x)), hn::Mul(odd(w), odd(x)));
    return hn::Add(sum, both);
  }
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
