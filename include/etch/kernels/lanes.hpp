// SPDX-License-Identifier: BSL-1.0
// The vector tag of all kernels, partial loads and stores, and sums whose order does not depend on
// the lane count. Targets with fixed-size vectors only.
#if defined(ETCH_KERNELS_LANES_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_LANES_HPP
#undef ETCH_KERNELS_LANES_HPP
#else
#define ETCH_KERNELS_LANES_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <type_traits>
#include <utility>

#include "etch/kernels/math.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Logical lanes of every vectorised sum: the widest vector of any target.
inline constexpr std::size_t logical_lanes = 16;

using FloatTag = hn::CappedTag<float, logical_lanes>;

static_assert(!HWY_HAVE_SCALABLE, "etch: build for a target with vectors of fixed size");

/// Floats in one vector of this target: 1, 4, 8 or 16.
inline constexpr std::size_t lanes = hn::MaxLanes(FloatTag());

/// Vectors that hold the 16 logical lanes.
inline constexpr std::size_t lane_groups = logical_lanes / lanes;

namespace detail {

// AVX2 masks loads and stores of 32-bit lanes without faults, though not of smaller ones. The
// scalar MaskedLoad of Highway 1.0 claims to be safe, but reads before it looks at the mask.
inline constexpr bool masked_memory_is_safe =
    HWY_TARGET == HWY_AVX2 || (!HWY_MEM_OPS_MIGHT_FAULT && HWY_TARGET != HWY_SCALAR);

struct Plus {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Add(a, b);
  }
};

struct Maximum {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return max(d, a, b);
  }
};

template <class D, class V, class Op>
HWY_INLINE float fold_halves(D, V v, Op op) {
  if constexpr (hn::MaxLanes(D()) == 1) {
    return hn::GetLane(v);
  } else {
    const hn::Half<D> half;
    // Unqualified, as HWY_SCALAR has no UpperHalf at all.
    return fold_halves(half, op(half, hn::LowerHalf(half, v), UpperHalf(half, v)), op);
  }
}

/// Lane i with i + 8, then i + 4, i + 2 and i + 1, however many vectors the lanes are spread over.
template <class D, class V, std::size_t Groups, class Op>
HWY_INLINE float fold_lanes16(D d, const V (&parts)[Groups], Op op) {
  static_assert(Groups * hn::MaxLanes(D()) == logical_lanes,
                "etch: pass all 16 logical lanes to a reduction");
  V tree[Groups];
  for (std::size_t i = 0; i < Groups; ++i) tree[i] = parts[i];
  for (std::size_t n = Groups / 2; n > 0; n /= 2) {
    for (std::size_t i = 0; i < n; ++i) tree[i] = op(d, tree[i], tree[i + n]);
  }
  return fold_halves(d, tree[0], op);
}

template <std::size_t... I, class F>
HWY_INLINE void unrolled_over(std::index_sequence<I...>, F& f) {
  (f(std::integral_constant<std::size_t, I>{}), ...);
}

// Accumulators: an array of vectors under constant indices, which lives in registers.

/// acc[i] += acc[i + n] for i < n: one level of a sum tree.
template <std::size_t... i, class V>
HWY_INLINE void fold_once(V* HWY_RESTRICT acc, std::index_sequence<i...>) {
  ((acc[i] = hn::Add(acc[i], acc[i + sizeof...(i)])), ...);
}

/// Sums `parts` groups of n accumulators into the first group: group 0 with parts / 2 first.
template <std::size_t n, std::size_t parts, class V>
HWY_INLINE void fold_parts(V* HWY_RESTRICT acc) {
  if constexpr (parts > 1) {
    fold_once(acc, std::make_index_sequence<n * parts / 2>{});
    fold_parts<n, parts / 2>(acc);
  }
}

template <std::size_t... i, class D>
HWY_INLINE void set_zero(D d, hn::Vec<D>* HWY_RESTRICT acc, std::index_sequence<i...>) {
  ((acc[i] = hn::Zero(d)), ...);
}

/// to += row.
template <std::size_t count>
HWY_INLINE void add_row(const float* HWY_RESTRICT row, float* HWY_RESTRICT to) {
  const FloatTag d;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, row + i)), d, to + i);
  }
  for (; i < count; ++i) to[i] += row[i];
}

}  // namespace detail

/// The first n lanes from p, at any alignment, 0 in the others; n <= the lanes of d. Touches no
/// memory at or beyond p + n.
template <class D>
HWY_INLINE hn::VFromD<D> load_n(D d, const float* p, std::size_t n) {
  if constexpr (detail::masked_memory_is_safe) {
    return hn::MaskedLoad(hn::FirstN(d, n), d, p);
  } else {
    HWY_ALIGN float copy[hn::MaxLanes(D())] = {};
    for (std::size_t i = 0; i < n; ++i) copy[i] = p[i];
    return hn::Load(d, copy);
  }
}

/// Stores the first n lanes at p, at any alignment; n <= the lanes of d. Touches no memory at or
/// beyond p + n.
template <class D>
HWY_INLINE void store_n(hn::VFromD<D> v, D d, float* p, std::size_t n) {
  if constexpr (detail::masked_memory_is_safe) {
    hn::BlendedStore(v, hn::FirstN(d, n), d, p);
  } else {
    HWY_ALIGN float copy[hn::MaxLanes(D())];
    hn::Store(v, d, copy);
    for (std::size_t i = 0; i < n; ++i) p[i] = copy[i];
  }
}

inline constexpr bool has_x86_vectors =
    HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128;

/// g++ would read a vector anew for every use, as an operand in memory, though an unaligned read is
/// often two; this makes it forget where the vector came from.
template <class V> HWY_INLINE V in_register(V v) {
#if HWY_COMPILER_GCC_ACTUAL
  if constexpr (has_x86_vectors) asm("" : "+v"(v.raw));
#endif
  return v;
}

/// f(integral_constant<size_t, 0>) to f(integral_constant<size_t, N - 1>), without a loop. A
/// lambda that touches vectors needs HWY_ATTR after its parameters.
template <std::size_t N, class F>
HWY_INLINE void unrolled(F&& f) {
  detail::unrolled_over(std::make_index_sequence<N>{}, f);
}

/// Sum of the 16 logical lanes (lane i of vector g is logical lane g * lanes + i): the same tree,
/// thus the same bits, for every lane count.
template <class D, class V, std::size_t Groups>
HWY_INLINE float sum_lanes16(D d, const V (&parts)[Groups]) {
  return detail::fold_lanes16(d, parts, detail::Plus{});
}

/// Largest of the 16 logical lanes, NaN if any is.
template <class D, class V, std::size_t Groups>
HWY_INLINE float max_lanes16(D d, const V (&parts)[Groups]) {
  return detail::fold_lanes16(d, parts, detail::Maximum{});
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
