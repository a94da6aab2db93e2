// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_CHAIN_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_CHAIN_HPP
#undef ETCH_KERNELS_CHAIN_HPP
#else
#define ETCH_KERNELS_CHAIN_HPP
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstddef>
#include <utility>

#include "etch/kernels/lanes.hpp"
#include "etch/kernels/math.hpp"
#include "etch/kernels/random.hpp"
#include "etch/kernels/small_numbers.hpp"
#include "etch/kernels/trigonometry.hpp"
#include "etch/tape/chain.hpp"

// One vector's worth of a fused elementwise chain. Every kernel that carries a chain calls
// `run_chain` for the lanes it has just finished, while they are still in registers.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// A place in a chain's domain; axes beyond the domain's rank stay zero. Where axes vary in length
/// it knows that of the run.
struct Position {
  std::size_t index[max_rank] = {};
  std::size_t length = 0;
};

/// How far a run goes along an axis of a chain's domain.
template <auto chain> HWY_INLINE std::size_t extent(const Position& at, std::size_t axis) {
  return chain.lengths.of(axis, chain.domain[axis], at.length);
}

/// The smallest vector of this target that holds `count` floats, else the largest there is.
template <std::size_t count>
using TagFor = hn::CappedTag<float, count < logical_lanes ? std::bit_ceil(count) : logical_lanes>;

// A constant lane count spares the loops that `load_n` and `store_n` need where masks do not reach
// memory. UpperHalf, Combine and ZeroExtendVector are not qualified below, as HWY_SCALAR, which
// never gets there, does not have them.

/// The first `count` lanes from p, zeros above them; touches nothing beyond them.
template <std::size_t count, class D> HWY_INLINE hn::Vec<D> load_lanes(D d, const float* p) {
  constexpr std::size_t all = hn::MaxLanes(D{});
  static_assert(count >= 1 && count <= all);
  if constexpr (count == all) {
    return hn::LoadU(d, p);
  } else if constexpr (detail::masked_memory_is_safe && all >= lanes) {
    return load_n(d, p, count);
  } else {
    const hn::Half<D> half;
    if constexpr (count <= all / 2) {
      return ZeroExtendVector(d, load_lanes<count>(half, p));
    } else {
      return Combine(d, load_lanes<count - all / 2>(half, p + all / 2), hn::LoadU(half, p));
    }
  }
}

/// Writes the first `count` lanes to p and nothing else. By halves down to single lanes, because a
/// masked store takes 20 operations on some AVX2 machines; where masks are registers it takes one,
/// but whoever reads the number at once waits until it has reached the cache.
template <std::size_t count, class D>
HWY_INLINE void store_lanes(D d, hn::Vec<D> v, float* HWY_RESTRICT p) {
  constexpr std::size_t all = hn::MaxLanes(D{});
  static_assert(count >= 1 && count <= all);
  if constexpr (count == all) {
    hn::StoreU(v, d, p);
  } else if constexpr (HWY_TARGET <= HWY_AVX3 && !std::has_single_bit(count)) {
    store_n(v, d, p, count);
  } else {
    const hn::Half<D> half;
    if constexpr (count < all / 2) {
      store_lanes<count>(half, hn::LowerHalf(half, v), p);
    } else {
      hn::StoreU(hn::LowerHalf(half, v), half, p);
      if constexpr (count > all / 2) {
        store_lanes<count - all / 2>(half, UpperHalf(half, v), p + all / 2);
      }
    }
  }
}

namespace detail {

// Written out rather than looped: with constant strides the terms of absent axes vanish even before
// the optimiser unrolls anything.
template <Access access> HWY_INLINE std::size_t element(const Position& at) {
  const std::size_t(&i)[max_rank] = at.index;
  static_assert(max_rank == 6);
  return access.offset + i[0] * access.stride[0] + i[1] * access.stride[1] +
         i[2] * access.stride[2] + i[3] * access.stride[3] + i[4] * access.stride[4] +
         i[5] * access.stride[5];
}

/// `count` lanes that lie `stride` elements apart.
template <std::size_t count, std::size_t stride, class D>
HWY_INLINE hn::Vec<D> load_strided(D d, const float* p) {
  if constexpr (stride == 0 || count == 1) {
    return hn::Set(d, *p);
  } else if constexpr (stride == 1) {
    return load_lanes<count>(d, p);
  } else {
    HWY_ALIGN float gathered[hn::MaxLanes(D{})] = {};
    for (std::size_t i = 0; i < count; ++i) gathered[i] = p[i * stride];
    return hn::Load(d, gathered);
  }
}

/// x^(twice_exponent / 2) for the exponents that formulas contain; PyTorch takes these short cuts.
template <int twice_exponent, class D> HWY_INLINE hn::Vec<D> small_power(D d, hn::Vec<D> x) {
  if constexpr (twice_exponent == -4) return hn::Div(hn::Set(d, 1.0f), hn::Mul(x, x));
  if constexpr (twice_exponent == -2) return hn::Div(hn::Set(d, 1.0f), x);
  if constexpr (twice_exponent == -1) return rsqrt(d, x);
  if constexpr (twice_exponent == 1) return hn::Sqrt(x);
  if constexpr (twice_exponent == 2) return x;
  if constexpr (twice_exponent == 4) return hn::Mul(x, x);
  if constexpr (twice_exponent == 6) return hn::Mul(hn::Mul(x, x), x);
}

constexpr int small_exponent(double exponent) {
  for (const int twice : {-4, -2, -1, 1, 2, 4, 6}) {
    if (2 * exponent == twice) return twice;
  }
  return 0;
}

/// Link i of the chain is pow(x, c) with a constant c that `small_power` knows: 2c, else 0.
template <class ChainType> constexpr int constant_exponent(const ChainType& chain, std::size_t i) {
  if (chain.link[i].op != Op::pow) return 0;
  const Link& exponent = chain.link[static_cast<std::size_t>(chain.link[i].args[1])];
  return exponent.op == Op::constant ? small_exponent(exponent.value) : 0;
}

template <Op op, class D> HWY_INLINE hn::Vec<D> apply(D d, hn::Vec<D> x) {
  if constexpr (op == Op::neg) return hn::Neg(x);
  if constexpr (op == Op::abs) return hn::Abs(x);
  if constexpr (op == Op::exp) return exp(d, x);
  if constexpr (op == Op::expm1) return expm1(d, x);
  if constexpr (op == Op::log) return log(d, x);
  if constexpr (op == Op::log1p) return log1p(d, x);
  if constexpr (op == Op::sqrt) return hn::Sqrt(x);
  if constexpr (op == Op::rsqrt) return rsqrt(d, x);
  if constexpr (op == Op::sin) return sin(d, x);
  if constexpr (op == Op::cos) return cos(d, x);
  if constexpr (op == Op::tanh) return tanh(d, x);
  if constexpr (op == Op::sigmoid) return sigmoid(d, x);
  if constexpr (op == Op::erf) return erf(d, x);
  // A comparison with NaN is false: NaN stays, as in PyTorch.
  if constexpr (op == Op::relu) return relu(d, x);
}

template <Op op, class D> HWY_INLINE hn::Vec<D> apply(D d, hn::Vec<D> a, hn::Vec<D> b) {
  if constexpr (op == Op::add) return hn::Add(a, b);
  if constexpr (op == Op::sub) return hn::Sub(a, b);
  if constexpr (op == Op::mul) return hn::Mul(a, b);
  if constexpr (op == Op::div) return hn::Div(a, b);
  if constexpr (op == Op::max) return max(d, a, b);
  if constexpr (op == Op::min) return min(d, a, b);
  if constexpr (op == Op::pow) return pow(d, a, b);
  const hn::Vec<D> one = hn::Set(d, 1.0f);
  if constexpr (op == Op::less) return hn::IfThenElseZero(hn::Lt(a, b), one);
  if constexpr (op == Op::less_equal) return hn::IfThenElseZero(hn::Le(a, b), one);
  if constexpr (op == Op::equal) return hn::IfThenElseZero(hn::Eq(a, b), one);
}

/// The value of one link for `count` lanes along `axis`; `v` holds the links before it.
template <Link link, std::size_t axis, int twice_exponent, std::size_t count, class D>
HWY_INLINE hn::Vec<D> link_value(D d, const Position& at, const hn::Vec<D>* accumulators,
                                 const hn::Vec<D>* HWY_RESTRICT v, const float* const* sources) {
  constexpr std::size_t arity = info(link.op).arity;
  if constexpr (link.op == Op::input) {
    constexpr std::size_t stride = link.access.stride[axis];
    const std::size_t i = element<link.access>(at);
    if constexpr (link.type != NumberType::f32) {
      return load_small<link.type, count, stride>(d, sources[link.buffer], i);
    } else {
      return load_strided<count, stride>(d, sources[link.buffer] + i);
    }
  } else if constexpr (link.op == Op::parameter) {
    return accumulators[link.buffer < 0 ? 0 : link.buffer];
  } else if constexpr (link.op == Op::constant) {
    return hn::Set(d, static_cast<float>(link.value));
  } else if constexpr (link.op == Op::iota) {
    const float first = static_cast<float>(at.index[link.buffer]);
    return link.buffer == axis ? hn::Iota(d, first) : hn::Set(d, first);
  } else if constexpr (link.op == Op::random) {
    return uniform_at<link.buffer, link.access.stride[axis]>(d, element<link.access>(at),
                                                             v[link.args[0]], v[link.args[1]]);
  } else if constexpr (twice_exponent != 0) {
    return small_power<twice_exponent>(d, v[link.args[0]]);
  } else if constexpr (arity == 1) {
    return apply<link.op>(d, v[link.args[0]]);
  } else if constexpr (arity == 2) {
    return apply<link.op>(d, v[link.args[0]], v[link.args[1]]);
  } else {
    static_assert(link.op == Op::where, "etch: this op has no row in kernels/chain.hpp");
    // Not through Ne, which Highway makes false for NaN on some targets.
    const auto no = hn::Eq(v[link.args[0]], hn::Zero(d));
    return hn::IfThenElse(no, v[link.args[2]], v[link.args[1]]);
  }
}

template <auto chain, std::size_t count, class D, std::size_t... link, std::size_t... store>
HWY_INLINE void run_links(D d, const Position& at, const hn::Vec<D>* accumulators,
                          const float* const* sources, float* const* targets,
                          std::index_sequence<link...>, std::index_sequence<store...>) {
  constexpr std::size_t axis = chain.domain.rank == 0 ? 0 : chain.domain.rank - 1;
  // Constant indices only, so the array dissolves into registers.
  hn::Vec<D> v[sizeof...(link)];
  ((v[link] = link_value<chain.link[link], axis, constant_exponent(chain, link), count>(
        d, at, accumulators, v, sources)),
   ...);
  const std::size_t target = element<contiguous(chain.domain)>(at);
  (store_lanes<count>(d, v[chain.store[store].value],
                      targets[chain.store[store].buffer] + target),
   ...);
}

template <class ChainType> constexpr std::size_t source_count(const ChainType& chain) {
  int count = 0;
  for (const Link& link : chain.link) {
    if (link.op == Op::input && link.buffer >= count) count = link.buffer + 1;
  }
  return static_cast<std::size_t>(count);
}

template <class ChainType> constexpr std::size_t target_count(const ChainType& chain) {
  int count = 0;
  for (const Store& store : chain.store) count = store.buffer >= count ? store.buffer + 1 : count;
  return static_cast<std::size_t>(count);
}

template <std::size_t... i, class Pointer>
HWY_INLINE void copy_pointers([[maybe_unused]] const Pointer* from,
                              [[maybe_unused]] Pointer* to, std::index_sequence<i...>) {
  ((to[i] = from[i]), ...);
}

}  // namespace detail

/// The buffers of a chain, held by a kernel for its own time: vector stores may alias anything, so
/// the compiler would read the caller's table again after each of them.
template <auto chain> struct Buffers {
  const float* sources[detail::source_count(chain) + 1];
  float* targets[detail::target_count(chain) + 1];

  HWY_INLINE Buffers(const float* const* from, float* const* to) {
    detail::copy_pointers(from, sources, std::make_index_sequence<detail::source_count(chain)>{});
    detail::copy_pointers(to, targets, std::make_index_sequence<detail::target_count(chain)>{});
  }
};

/// Evaluates `chain` for the `count` <= Lanes(d) elements of its domain that start at `at` and run
/// along the last axis, and writes its stores. All reads come before the first write, so a target
/// may be a source of the same place. `accumulators` are the values of Op::parameter links, one for
/// each part. Lanes from `count` on are neither read from sources nor written.
template <auto chain, std::size_t count, class D>
HWY_INLINE void run_chain_of_parts(D d, const Position& at, const hn::Vec<D>* accumulators,
                                   const float* const* sources, float* const* targets) noexcept {
  static_assert(count >= 1 && count <= hn::MaxLanes(D{}));
  detail::run_links<chain, count>(d, at, accumulators, sources, targets,
                                  std::make_index_sequence<chain.link.size()>{},
                                  std::make_index_sequence<chain.store.size()>{});
}

/// The same behind an op of one part.
template <auto chain, std::size_t count, class D>
HWY_INLINE void run_chain(D d, const Position& at, hn::Vec<D> accumulator,
                          const float* const* sources, float* const* targets) noexcept {
  run_chain_of_parts<chain, count>(d, at, &accumulator, sources, targets);
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
