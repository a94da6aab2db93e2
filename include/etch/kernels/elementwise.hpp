// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_ELEMENTWISE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_ELEMENTWISE_HPP
#undef ETCH_KERNELS_ELEMENTWISE_HPP
#else
#define ETCH_KERNELS_ELEMENTWISE_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/tape/chain.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// `axis` has one element: it leaves the domain and all accesses, and its iota is the constant 0.
template <class ChainType> constexpr void drop_axis(ChainType& chain, std::size_t axis) {
  const std::size_t last = --chain.domain.rank;
  for (std::size_t i = axis; i < last; ++i) chain.domain.extent[i] = chain.domain[i + 1];
  chain.domain.extent[last] = 0;
  const std::size_t before = (std::size_t{1} << axis) - 1;
  chain.lengths.vary = (chain.lengths.vary & before) | (chain.lengths.vary >> 1 & ~before);
  const int dropped = static_cast<int>(axis);
  for (Link& link : chain.link) {
    for (std::size_t i = axis; i < last; ++i) link.access.stride[i] = link.access.stride[i + 1];
    link.access.stride[last] = 0;
    if (link.op != Op::iota) continue;
    if (link.buffer == dropped) {
      link = Link{};
    } else if (link.buffer > dropped) {
      --link.buffer;
    }
  }
}

/// Stepping through `axis` and the one behind it is stepping through one long axis.
template <class ChainType> constexpr bool can_merge(const ChainType& chain, std::size_t axis) {
  if (chain.lengths.varies(axis + 1)) return false;
  for (const Link& link : chain.link) {
    const Array6<std::size_t>& stride = link.access.stride;
    const bool placed = link.op == Op::input || link.op == Op::random;
    if (placed && stride[axis] != stride[axis + 1] * chain.domain[axis + 1]) {
      return false;
    }
    const int counted = static_cast<int>(axis);
    if (link.op == Op::iota && (link.buffer == counted || link.buffer == counted + 1)) return false;
  }
  return true;
}

/// The same chain over as few and as long axes as its accesses allow: fewer ragged tails, and equal
/// code for equal work.
template <class ChainType> constexpr ChainType merge_axes(ChainType chain) {
  for (std::size_t axis = chain.domain.rank; axis-- > 0;) {
    if (chain.domain[axis] == 1) drop_axis(chain, axis);
  }
  for (std::size_t axis = chain.domain.rank; axis-- > 1;) {
    if (!can_merge(chain, axis - 1)) continue;
    chain.domain.extent[axis] *= chain.domain[axis - 1];
    chain.domain.extent[axis - 1] = 1;
    if (chain.lengths.varies(axis - 1)) chain.lengths.vary |= std::size_t{1} << axis;
    for (Link& link : chain.link) link.access.stride[axis - 1] = 0;
    drop_axis(chain, axis - 1);
  }
  return chain;
}

/// The last axis: whole vectors, then a vector with the rest.
template <auto chain>
HWY_INLINE void elementwise_row(Position at, const float* const* sources, float* const* targets) {
  constexpr std::size_t rank = chain.domain.rank;
  constexpr std::size_t axis = rank == 0 ? 0 : rank - 1;
  constexpr std::size_t n = rank == 0 ? 1 : chain.domain[axis];
  constexpr std::size_t whole = n - n % lanes;
  const std::size_t end = rank == 0 ? 1 : extent<chain>(at, axis);
  if constexpr (whole != 0) {
    const FloatTag d;
    for (std::size_t i = 0; i < std::min(whole, end); i += lanes) {
      at.index[axis] = i;
      run_chain<chain, lanes>(d, at, hn::Zero(d), sources, targets);
    }
  }
  if constexpr (whole != n) {
    if (end <= whole) return;
    const TagFor<n - whole> d;
    at.index[axis] = whole;
    run_chain<chain, n - whole>(d, at, hn::Zero(d), sources, targets);
  }
}

template <auto chain, std::size_t axis>
HWY_INLINE void elementwise_axes(Position& at, const float* const* sources,
                                 float* const* targets) {
  if constexpr (axis + 1 >= chain.domain.rank) {
    elementwise_row<chain>(at, sources, targets);
  } else {
    for (std::size_t i = 0; i < extent<chain>(at, axis); ++i) {
      at.index[axis] = i;
      elementwise_axes<chain, axis + 1>(at, sources, targets);
    }
  }
}

}  // namespace detail

/// Evaluates `chain` over its domain (rank 0 to 6), in a run of `length` if axes vary. Targets are
/// contiguous and row-major over the domain; one may be the buffer of a source that is read
/// contiguously from the same place. Nothing outside the accessed elements is touched, at any
/// alignment of a float.
template <auto chain>
void elementwise(const float* const* sources, float* const* targets,
                 std::size_t length = 0) noexcept {
  constexpr auto merged = detail::merge_axes(chain);
  Position at{.length = length};
  const Buffers<merged> buffers(sources, targets);
  detail::elementwise_axes<merged, 0>(at, buffers.sources, buffers.targets);
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
