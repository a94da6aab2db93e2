// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_REDUCE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_REDUCE_HPP
#undef ETCH_KERNELS_REDUCE_HPP
#else
#define ETCH_KERNELS_REDUCE_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/tape/heavy.hpp"

// y[kept] = sum or maximum of x[kept, reduced] over the reduced axes, in any order of axes.
//
// If the last axis is kept, vectors run along it and each lane has an element of y to itself. If it
// is reduced, element k of a row goes to logical lane k mod 16 (long rows: one of four sets of 16),
// and the lanes are combined by a fixed tree.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

template <class Op>
inline constexpr float identity =
    std::is_same_v<Op, Maximum> ? -std::numeric_limits<float>::infinity() : 0.0f;

/// acc = op(acc, p[i]) for the lanes of one vector of a group of 16; `count` of the 16 are there.
template <std::size_t count, std::size_t group, class Op>
HWY_INLINE void take_group(const float* p, hn::Vec<FloatTag>* HWY_RESTRICT acc, Op op) {
  if constexpr (constexpr std::size_t from = group * lanes; from < count) {
    const FloatTag d;
    constexpr std::size_t here = std::min(count - from, lanes);
    const auto next = op(d, acc[group], load_lanes<here>(d, p + from));
    if constexpr (here == lanes) {
      acc[group] = next;
    } else {
      acc[group] = hn::IfThenElse(hn::FirstN(d, here), next, acc[group]);
    }
  }
}

template <std::size_t count, class Op, std::size_t... group>
HWY_INLINE void take_lanes16(const float* p, hn::Vec<FloatTag>* HWY_RESTRICT acc, Op op,
                             std::index_sequence<group...>) {
  (take_group<count, group>(p, acc, op), ...);
}

template <class Op, std::size_t... set>
HWY_INLINE void take_sets(const float* p, hn::Vec<FloatTag>* HWY_RESTRICT acc, Op op,
                          std::index_sequence<set...>) {
  (take_lanes16<logical_lanes>(p + set * logical_lanes, acc + set * lane_groups, op,
                               std::make_index_sequence<lane_groups>{}),
   ...);
}

/// Takes a row of n floats into `sets` sets of 16 lanes.
template <std::size_t n, std::size_t sets, class Op>
HWY_INLINE void take_row(const float* p, hn::Vec<FloatTag>* HWY_RESTRICT acc, Op op) {
  using Groups = std::make_index_sequence<lane_groups>;
  constexpr std::size_t step = sets * logical_lanes, rest = n % logical_lanes;
  for (std::size_t k = 0; k < n - n % step; k += step) {
    take_sets(p + k, acc, op, std::make_index_sequence<sets>{});
  }
  if constexpr (sets != 1) {
    for (std::size_t k = n - n % step; k < n - rest; k += logical_lanes) {
      take_lanes16<logical_lanes>(p + k, acc, op, Groups{});
    }
  }
  if constexpr (rest != 0) take_lanes16<rest>(p + (n - rest), acc, op, Groups{});
}

/// The same for a row as long as a run says, into one set.
template <class Op>
HWY_INLINE void take_part(const float* p, std::size_t n, hn::Vec<FloatTag>* HWY_RESTRICT acc,
                          Op op) {
  const std::size_t rest = n % logical_lanes;
  for (std::size_t k = 0; k < n - rest; k += logical_lanes) {
    take_lanes16<logical_lanes>(p + k, acc, op, std::make_index_sequence<lane_groups>{});
  }
  unrolled<lane_groups>([&](auto group) HWY_ATTR {
    constexpr std::size_t from = group * lanes;
    if (rest <= from) return;
    const FloatTag d;
    const std::size_t here = std::min(rest - from, lanes);
    const auto next = op(d, acc[group], load_n(d, p + (n - rest) + from, here));
    acc[group] = hn::IfThenElse(hn::FirstN(d, here), next, acc[group]);
  });
}

/// Four sets of lanes hide the latency of an addition where a row is long enough to profit.
constexpr std::size_t lane_sets(std::size_t n) { return n >= 256 ? 4 : 1; }

template <std::size_t n, class Op, std::size_t... i>
HWY_INLINE void combine(hn::Vec<FloatTag>* HWY_RESTRICT acc, Op op, std::index_sequence<i...>) {
  ((acc[i] = op(FloatTag{}, acc[i], acc[i + n])), ...);
}

/// n vectors of accumulators, folded in halves, set on set and lane on lane: the scalar result.
template <std::size_t n, class Op>
HWY_INLINE float combine_all(hn::Vec<FloatTag>* HWY_RESTRICT acc, Op op) {
  if constexpr (n == 1) {
    return fold_halves(FloatTag{}, acc[0], op);
  } else {
    combine<n / 2>(acc, op, std::make_index_sequence<n / 2>{});
    return combine_all<n / 2>(acc, op);
  }
}

template <float start, std::size_t... i, class D>
HWY_INLINE void set_all(D d, hn::Vec<D>* HWY_RESTRICT acc, std::index_sequence<i...>) {
  ((acc[i] = hn::Set(d, start)), ...);
}

/// The axes of a tensor that are kept, or those that are reduced, and their strides in x and y.
struct Axes {
  std::size_t count = 0;
  std::size_t extent[max_rank] = {}, stride[max_rank] = {}, to[max_rank] = {};
  Lengths lengths{};

  constexpr std::size_t size() const {
    std::size_t n = 1;
    for (std::size_t i = 0; i < count; ++i) n *= extent[i];
    return n;
  }
};

/// Without the last axis of the tensor, which the kernels below run through by vectors.
constexpr Axes outer_axes(const ReduceSpec& spec, bool reduced) {
  Axes axes;
  for (std::size_t i = 0; i + 1 < spec.shape.rank; ++i) {
    if ((spec.axes >> i & 1) != (reduced ? 1 : 0)) continue;
    std::size_t stride = 1, to = 1;
    for (std::size_t j = i + 1; j < spec.shape.rank; ++j) {
      stride *= spec.shape[j];
      if ((spec.axes >> j & 1) == 0) to *= spec.shape[j];
    }
    axes.extent[axes.count] = spec.shape[i];
    axes.stride[axes.count] = stride;
    axes.to[axes.count] = reduced ? 0 : to;
    if (spec.lengths.varies(i)) {
      axes.lengths = {axes.lengths.vary | std::size_t{1} << axes.count, spec.lengths.longest};
    }
    ++axes.count;
  }
  return axes;
}

/// body(offset, to) for every index of the axes in a run, in row-major order: places in x and y.
template <Axes axes, std::size_t axis = 0, class Body>
HWY_INLINE void for_each_offset(std::size_t length, const Body& body, std::size_t offset = 0,
                                std::size_t to = 0) {
  if constexpr (axis == axes.count) {
    body(offset, to);
  } else {
    for (std::size_t i = 0; i < axes.lengths.of(axis, axes.extent[axis], length); ++i) {
      for_each_offset<axes, axis + 1>(length, body, offset + i * axes.stride[axis],
                                      to + i * axes.to[axis]);
    }
  }
}

// Bodies are types and not lambdas: these inline without fail, so that accumulators stay registers.

template <ReduceSpec spec, std::size_t sets, class Op> struct TakeRow {
  const float* x;
  hn::Vec<FloatTag>* acc;
  std::size_t length;

  HWY_INLINE void operator()(std::size_t offset, std::size_t) const {
    constexpr std::size_t n = spec.shape.back(0), last = spec.shape.rank - 1;
    if constexpr (spec.lengths.varies(last)) {
      take_part(x + offset, spec.lengths.of(last, n, length), acc, Op{});
    } else {
      take_row<n, sets>(x + offset, acc, Op{});
    }
  }
};

/// The last axis is reduced: one element of y.
template <ReduceSpec spec, class Op> struct ReduceRows {
  const float* x;
  float* y;
  std::size_t length;

  HWY_INLINE void operator()(std::size_t offset, std::size_t to) const {
    constexpr std::size_t sets = lane_sets(spec.shape.back(0));
    hn::Vec<FloatTag> acc[sets * lane_groups];
    set_all<identity<Op>>(FloatTag{}, acc, std::make_index_sequence<sets * lane_groups>{});
    const TakeRow<spec, sets, Op> take{x + offset, acc, length};
    for_each_offset<outer_axes(spec, true)>(length, take);
    y[to] = combine_all<sets * lane_groups>(acc, Op{});
  }
};

/// acc[i] = op(acc[i], columns i of the row at p); the last vector has `tail` columns.
template <std::size_t tail, class Op, class D, std::size_t... i>
HWY_INLINE void take_columns(D d, const float* p, hn::Vec<D>* HWY_RESTRICT acc, Op op,
                             std::index_sequence<i...>) {
  constexpr std::size_t width = hn::MaxLanes(D{});
  ((acc[i] = op(d, acc[i],
                load_lanes<(i + 1 == sizeof...(i) ? tail : width)>(d, p + i * width))),
   ...);
}

template <std::size_t vectors, std::size_t tail, class D, class Op> struct TakeColumns {
  const float* x;
  hn::Vec<D>* acc;

  HWY_INLINE void operator()(std::size_t offset, std::size_t) const {
    take_columns<tail>(D{}, x + offset, acc, Op{}, std::make_index_sequence<vectors>{});
  }
};

template <std::size_t tail, class D, std::size_t... i>
HWY_INLINE void store_columns(D d, const hn::Vec<D>* HWY_RESTRICT acc, float* y,
                              std::index_sequence<i...>) {
  constexpr std::size_t width = hn::MaxLanes(D{});
  (store_lanes<(i + 1 == sizeof...(i) ? tail : width)>(d, acc[i], y + i * width), ...);
}

/// The last axis is kept: `vectors` vectors of columns of y, the last with `tail` columns.
template <ReduceSpec spec, std::size_t vectors, std::size_t tail, class Op, class D>
HWY_INLINE void reduce_columns(D d, const float* x, float* y, std::size_t length) {
  using Indices = std::make_index_sequence<vectors>;
  hn::Vec<D> acc[vectors];
  set_all<identity<Op>>(d, acc, Indices{});
  for_each_offset<outer_axes(spec, true)>(length, TakeColumns<vectors, tail, D, Op>{x, acc});
  store_columns<tail>(d, acc, y, Indices{});
}

template <ReduceSpec spec, class Op> struct ReduceColumns {
  const float* x;
  float* y;
  std::size_t length;

  HWY_INLINE void operator()(std::size_t offset, std::size_t to) const {
    constexpr std::size_t n = spec.shape.back(0), block = 4 * lanes, rest = n % block;
    const std::size_t end = spec.lengths.of(spec.shape.rank - 1, n, length);
    for (std::size_t j = 0; j < std::min(n - rest, end); j += block) {
      reduce_columns<spec, 4, lanes, Op>(FloatTag{}, x + offset + j, y + to + j, length);
    }
    if constexpr (rest != 0) {
      if (end <= n - rest) return;
      constexpr std::size_t width = hn::MaxLanes(TagFor<rest>{});
      constexpr std::size_t vectors = (rest + width - 1) / width;
      reduce_columns<spec, vectors, rest - (vectors - 1) * width, Op>(
          TagFor<rest>{}, x + offset + (n - rest), y + to + (n - rest), length);
    }
  }
};

template <ReduceSpec spec, class Op>
HWY_INLINE void reduce(const float* x, float* y, std::size_t length) {
  constexpr std::size_t last = spec.shape.rank == 0 ? 0 : spec.shape.rank - 1;
  if constexpr (spec.shape.rank == 0) {
    *y = *x;
  } else if constexpr ((spec.axes >> last & 1) != 0) {
    for_each_offset<outer_axes(spec, false)>(length, ReduceRows<spec, Op>{x, y, length});
  } else {
    for_each_offset<outer_axes(spec, false)>(length, ReduceColumns<spec, Op>{x, y, length});
  }
}

}  // namespace detail

/// y = the sum of x over the axes of `spec`, in a run of `length` if axes vary; y has the kept
/// axes, row-major. They do not overlap.
template <auto spec> void sum(const float* x, float* y, std::size_t length = 0) noexcept {
  detail::reduce<spec, detail::Plus>(x, y, length);
}

/// y = the largest of x over the axes of `spec`, NaN where one of them is NaN (PyTorch's amax).
template <auto spec> void max_reduce(const float* x, float* y, std::size_t length = 0) noexcept {
  detail::reduce<spec, detail::Maximum>(x, y, length);
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
