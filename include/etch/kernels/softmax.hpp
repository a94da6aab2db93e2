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

template <std::size_t n> HWY_INLINE float row_max(const float* x) {
  constexpr std::size_t vectors = lane_sets(n) * lane_groups;
  hn::Vec<FloatTag> acc[vectors];
  set_all<identity<Maximum>>(FloatTag{}, acc, std::make_index_sequence<vectors>{});
  take_row<n, lane_sets(n)>(x, acc, Maximum{});
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

/// The sum of exp(x - m) over a row.
template <std::size_t n, bool keep>
HWY_INLINE float exp_row(const float* x, float m, float* y) {
  using Groups = std::make_index_sequence<lane_groups>;
  constexpr std::size_t rest = n % logical_lanes;
  hn::Vec<FloatTag> acc[lane_groups];
  set_all<0.0f>(FloatTag{}, acc, Groups{});
  for (std::size_t j = 0; j < n - rest; j += logical_lanes) {
    exp_lanes16<logical_lanes, keep>(x + j, m, y + j, acc, Groups{});
  }
  if constexpr (rest != 0) {
    exp_lanes16<rest, keep>(x + (n - rest), m, y + (n - rest), acc, Groups{});
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
template <std::size_t n, class F>
HWY_INLINE void map_row(const float* x, float* y, float a, float b, F f) {
  constexpr std::size_t rest = n % lanes;
  for (std::size_t j = 0; j < n - rest; j += lanes) {
    const FloatTag d;
    store_lanes<lanes>(d, f(d, load_lanes<lanes>(d, x + j), a, b), y + j);
  }
  if constexpr (rest != 0) {
    const TagFor<rest> d;
    constexpr std::size_t j = n - rest;
    store_lanes<rest>(d, f(d, load_lanes<rest>(d, x + j), a, b), y + j);
  }
}

}  // namespace detail

/// Softmax of each row of x [rows, columns] into y; y may be x, else they do not overlap.
template <auto spec> void softmax(const float* x, float* y) noexcept {
  constexpr std::size_t n = spec.columns;
  for (std::size_t i = 0; i < spec.rows; ++i, x += n, y += n) {
    const float s = detail::exp_row<n, true>(x, detail::row_max<n>(x), y);
    detail::map_row<n>(y, y, s, 0, detail::DivideBy{});
  }
}

/// The logarithm of the softmax of each row of x [rows, columns] into y; y may be x, else they do
/// not overlap. Exact where the softmax itself would round to 0 or 1.
template <auto spec> void log_softmax(const float* x, float* y) noexcept {
  constexpr std::size_t n = spec.columns;
  const hn::CappedTag<float, 1> d;
  for (std::size_t i = 0; i < spec.rows; ++i, x += n, y += n) {
    const float m = detail::row_max<n>(x);
    const float s = detail::exp_row<n, false>(x, m, y);
    const float log_s = hn::GetLane(log(d, hn::Set(d, s)));
    detail::map_row<n>(x, y, m, log_s, detail::SubtractBoth{});
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
