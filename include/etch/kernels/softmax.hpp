// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_SOFTMAX_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_SOFTMAX_HPP
#undef ETCH_KERNELS_SOFTMAX_HPP
#else
#define ETCH_KERNELS_SOFTMAX_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/lanes.hpp"
#include "etch/kernels/math.hpp"
#include "etch/kernels/reduce.hpp"
#include "etch/tape/heavy.hpp"

// y[j] = exp(x[j]) / sum over i of exp(x[i])
//      = exp(x[j] - m) / s       with m = max x, s = sum over i of exp(x[i] - m) >= 1
// log y[j] = x[j] - m - log s
//
// The shift by m keeps exp from overflowing. A row of minus infinities gives NaN (0 / 0), a NaN or
// plus infinity makes its whole row NaN, as in PyTorch.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// How many columns there are in a run.
template <SoftmaxSpec spec> HWY_INLINE std::size_t columns_of(std::size_t length) {
  return spec.lengths.of(1, spec.columns, length);
}

template <SoftmaxSpec spec> HWY_INLINE float row_max(const float* x, std::size_t length) {
  constexpr std::size_t n = spec.columns, sets = lane_sets(n), vectors = sets * lane_groups;
  hn::Vec<FloatTag> acc[vectors];
  set_all<identity<Maximum>>(FloatTag{}, acc, std::make_index_sequence<vectors>{});
  if constexpr (spec.lengths.varies(1)) take_part(x, columns_of<spec>(length), acc, Maximum{});
  else take_row<n, sets>(x, acc, Maximum{});
  return combine_all<vectors>(acc, Maximum{});
}

/// acc += exp(x - m) for one vector of a group of 16, of which `count` are there; y takes them.
template <std::size_t count, std::size_t group, bool keep>
HWY_INLINE void exp_group(const float* x, float m, float* y, hn::Vec<FloatTag>* HWY_RESTRICT acc) {
  if constexpr (constexpr std::size_t from = group * lanes; from < count) {
    const FloatTag d;
    constexpr std::size_t here = std::min(count - from, lanes);
    const auto e = exp(d, hn::Sub(load_lanes<here>(d, x + from), hn::Set(d, m)));
    if constexpr (keep) store_lanes<here>(d, e, y + from);
    if constexpr (here == lanes) {
      acc[group] = hn::Add(acc[group], e);
    } else {
      acc[group] = hn::Add(acc[group], hn::IfThenElseZero(hn::FirstN(d, here), e));
    }
  }
}

template <std::size_t count, bool keep, std::size_t... group>
HWY_INLINE void exp_lanes16(const float* x, float m, float* y,
                            hn::Vec<FloatTag>* HWY_RESTRICT acc, std::index_sequence<group...>) {
  (exp_group<count, group, keep>(x, m, y, acc), ...);
}

/// The `rest` < 16 last columns of a run.
template <bool keep>
HWY_INLINE void exp_part(const float* x, float m, float* y, std::size_t rest,
                         hn::Vec<FloatTag>* HWY_RESTRICT acc) {
  unrolled<lane_groups>([&](auto group) HWY_ATTR {
    constexpr std::size_t from = group * lanes;
    if (rest <= from) return;
    const FloatTag d;
    const std::size_t here = std::min(rest - from, lanes);
    const auto e = exp(d, hn::Sub(load_n(d, x + from, here), hn::Set(d, m)));
    if constexpr (keep) store_n(e, d, y + from, here);
    acc[group] = hn::Add(acc[group], hn::IfThenElseZero(hn::FirstN(d, here), e));
  });
}

/// The sum of exp(x - m) over a row.
template <SoftmaxSpec spec, bool keep>
HWY_INLINE float exp_row(const float* x, float m, float* y, std::size_t length) {
  using Groups = std::make_index_sequence<lane_groups>;
  const std::size_t n = columns_of<spec>(length), rest = n % logical_lanes;
  hn::Vec<FloatTag> acc[lane_groups];
  set_all<0.0f>(FloatTag{}, acc, Groups{});
  for (std::size_t j = 0; j < n - rest; j += logical_lanes) {
    exp_lanes16<logical_lanes, keep>(x + j, m, y + j, acc, Groups{});
  }
  constexpr std::size_t last = spec.columns % logical_lanes;
  if constexpr (spec.lengths.varies(1)) {
    exp_part<keep>(x + (n - rest), m, y + (n - rest), rest, acc);
  } else if constexpr (last != 0) {
    exp_lanes16<last, keep>(x + (n - rest), m, y + (n - rest), acc, Groups{});
  }
  return combine_all<lane_groups>(acc, Plus{});
}

struct DivideBy {
  template <class D> HWY_INLINE hn::Vec<D> operator()(D d, hn::Vec<D> x, float s, float) const {
    return hn::Div(x, hn::Set(d, s));
  }
};

struct SubtractBoth {
  template <class D> HWY_INLINE hn::Vec<D> operator()(D d, hn::Vec<D> x, float m, float l) const {
    return hn::Sub(hn::Sub(x, hn::Set(d, m)), hn::Set(d, l));
  }
};

/// y[j] = f(x[j], a, b) along a row; x may be y.
template <SoftmaxSpec spec, class F>
HWY_INLINE void map_row(const float* x, float* y, float a, float b, std::size_t length, F f) {
  const std::size_t n = columns_of<spec>(length), rest = n % lanes;
  const FloatTag d;
  for (std::size_t j = 0; j < n - rest; j += lanes) {
    store_lanes<lanes>(d, f(d, load_lanes<lanes>(d, x + j), a, b), y + j);
  }
  constexpr std::size_t last = spec.columns % lanes;
  const std::size_t j = n - rest;
  if constexpr (spec.lengths.varies(1)) {
    if (rest != 0) store_n(f(d, load_n(d, x + j, rest), a, b), d, y + j, rest);
  } else if constexpr (last != 0) {
    const TagFor<last> part;
    store_lanes<last>(part, f(part, load_lanes<last>(part, x + j), a, b), y + j);
  }
}

/// row(x, y) for the rows of a run.
template <SoftmaxSpec spec, class Row>
HWY_INLINE void for_each_row(const float* x, float* y, std::size_t length, Row row) {
  for (std::size_t o = 0; o < spec.outer; ++o) {
    for (std::size_t i = 0; i < spec.lengths.of(0, spec.rows, length); ++i) {
      const std::size_t at = (o * spec.rows + i) * spec.columns;
      row(x + at, y + at);
    }
  }
}

}  // namespace detail

/// Softmax of each row of x [outer, rows, columns] into y, in a run of `length` if axes vary; y may
/// be x, else they do not overlap.
template <auto spec> void softmax(const float* x, float* y, std::size_t length = 0) noexcept {
  detail::for_each_row<spec>(x, y, length, [=](const float* from, float* to) HWY_ATTR {
    const float m = detail::row_max<spec>(from, length);
    const float s = detail::exp_row<spec, true>(from, m, to, length);
    detail::map_row<spec>(to, to, s, 0, length, detail::DivideBy{});
  });
}

/// The logarithm of the softmax of each row of x [outer, rows, columns] into y; y may be x, else
/// they do not overlap. Exact where the softmax itself would round to 0 or 1.
template <auto spec> void log_softmax(const float* x, float* y, std::size_t length = 0) noexcept {
  const hn::CappedTag<float, 1> d;
  detail::for_each_row<spec>(x, y, length, [=](const float* from, float* to) HWY_ATTR {
    const float m = detail::row_max<spec>(from, length);
    const float s = detail::exp_row<spec, false>(from, m, to, length);
    const float log_s = hn::GetLane(log(d, hn::Set(d, s)));
    detail::map_row<spec>(from, to, m, log_s, length, detail::SubtractBoth{});
  });
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
