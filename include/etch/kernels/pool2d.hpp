// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_POOL2D_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_POOL2D_HPP
#undef ETCH_KERNELS_POOL2D_HPP
#else
#define ETCH_KERNELS_POOL2D_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>

#include "etch/kernels/lanes.hpp"
#include "etch/tape/heavy.hpp"

// Pooling runs over output columns: lane i of a vector is the window of column `left + i`. Columns
// whose windows hang over the left or right edge are done one at a time. A vector is never wider
// than the row, and the last one of a row overlaps the one before it, so there are no tails.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {

/// The windows of one axis that lie inside the input: [first, last).
struct PoolInterior {
  std::size_t first = 0, last = 0;
};

constexpr PoolInterior pool_interior(const Pool2dSpec& s, std::size_t axis) {
  const std::size_t n = axis == 0 ? s.height : s.width;
  const std::size_t out = axis == 0 ? s.out_height : s.out_width;
  const std::size_t stride = s.stride[axis], padding = s.padding[axis];
  const std::size_t first = std::min(out, (padding + stride - 1) / stride);
  std::size_t last = first;
  while (last < out && last * stride + s.kernel[axis] <= n + padding) ++last;
  return {first, last};
}

/// The part of a window that lies inside the input: offsets [first, last) into the window, whose
/// first element would be at input position start - padding.
struct PoolClip {
  std::size_t first, last;
};

constexpr PoolClip pool_clip(const Pool2dSpec& s, std::size_t axis, std::size_t position) {
  const std::size_t n = axis == 0 ? s.height : s.width;
  const std::size_t start = position * s.stride[axis], padding = s.padding[axis];
  const std::size_t first = start < padding ? padding - start : 0;
  const std::size_t end = n + padding > start ? n + padding - start : 0;
  return {first, std::min(s.kernel[axis], end)};
}

/// Lanes of a row's vectors: a power of two that the interior of a row can fill.
template <Pool2dSpec s> constexpr std::size_t pool_lanes() {
  constexpr PoolInterior columns = pool_interior(s, 1);
  return std::min<std::size_t>(16, std::bit_floor(std::max<std::size_t>(
                                       1, columns.last - columns.first)));
}

/// Lane i: p[kx + i * stride], reading only elements that belong to the lanes' windows.
template <std::size_t stride, std::size_t kernel, class D>
HWY_INLINE hn::Vec<D> load_windows(D d, const float* p, std::size_t kx) {
  constexpr std::size_t count = hn::MaxLanes(D{});
  if constexpr (stride == 1 || count == 1) {
    return hn::LoadU(d, p + kx);
  } else if constexpr (stride == 2 && kernel >= 2) {
    const bool odd = kx % 2 != 0 || kx + 1 == kernel;
    const float* pair = odd ? p + kx - 1 : p + kx;
    const hn::Vec<D> low = hn::LoadU(d, pair), high = hn::LoadU(d, pair + count);
    // Unqualified, as HWY_SCALAR has neither.
    return odd ? ConcatOdd(d, high, low) : ConcatEven(d, high, low);
  } else {
    HWY_ALIGN float gathered[count];
    for (std::size_t i = 0; i < count; ++i) gathered[i] = p[kx + i * stride];
    return hn::Load(d, gathered);
  }
}

/// Calls visit(d, input column, output column) for every vector or single column of a row;
/// `visit` has to give the same result for a column however often it is called.
template <Pool2dSpec s, class Visit> HWY_INLINE void for_pool_columns(const Visit& visit) {
  constexpr PoolInterior inner = pool_interior(s, 1);
  const hn::CappedTag<float, 1> one;
  const hn::CappedTag<float, pool_lanes<s>()> d;
  constexpr std::size_t step = hn::MaxLanes(hn::CappedTag<float, pool_lanes<s>()>{});
  for (std::size_t ox = 0; ox < inner.first; ++ox) visit(one, ox);
  if constexpr (inner.last - inner.first >= step) {
    std::size_t ox = inner.first;
    for (; ox + step <= inner.last; ox += step) visit(d, ox);
    if constexpr ((inner.last - inner.first) % step != 0) visit(d, inner.last - step);
  }
  for (std::size_t ox = inner.last; ox < s.out_width; ++ox) visit(one, ox);
}

/// Calls tap(input offset of the window's first column, kx) for each tap of the windows at
/// (oy, ox ...) that lies inside the input, in row-major order. That offset may be negative.
template <Pool2dSpec s, class D, class Tap>
HWY_INLINE void for_pool_taps(D, std::size_t oy, std::size_t ox, const Tap& tap) {
  const PoolClip rows = pool_clip(s, 0, oy);
  const auto row_of = [&](std::size_t ky) {
    return static_cast<std::ptrdiff_t>((oy * s.stride[0] + ky - s.padding[0]) * s.width +
                                       ox * s.stride[1]) -
           static_cast<std::ptrdiff_t>(s.padding[1]);
  };
  if constexpr (hn::MaxLanes(D{}) == 1) {
    const PoolClip columns = pool_clip(s, 1, ox);
    for (std::size_t ky = rows.first; ky < rows.last; ++ky) {
      for (std::size_t kx = columns.first; kx < columns.last; ++kx) tap(row_of(ky), kx);
    }
  } else if constexpr (s.padding[0] == 0 && s.kernel[0] * s.kernel[1] <= 16) {
    unrolled<s.kernel[0] * s.kernel[1]>([&](auto i) HWY_ATTR {
      tap(row_of(i / s.kernel[1]), i % s.kernel[1]);
    });
  } else {
    for (std::size_t ky = rows.first; ky < rows.last; ++ky) {
      for (std::size_t kx = 0; kx < s.kernel[1]; ++kx) tap(row_of(ky), kx);
    }
  }
}

/// Where a later element takes the place of the maximum so far: PyTorch's rule, by which the first
/// of equal numbers wins and a NaN counts as the largest.
template <class V> HWY_INLINE auto pool_replaces(V value, V best) {
  return hn::Or(hn::Gt(value, best), hn::IsNaN(value));
}

/// payload(at, kx) of the tap that holds the maximum of the windows at (oy, ox ...).
template <Pool2dSpec s, class D, class Payload>
HWY_INLINE hn::Vec<D> at_maximum(D d, const float* x, std::size_t oy, std::size_t ox,
                                 const Payload& payload) {
  hn::Vec<D> best = hn::Set(d, -std::numeric_limits<float>::infinity()), result = hn::Zero(d);
  bool first = true;  // so that a window of minus infinities has its maximum at its first element
  for_pool_taps<s>(d, oy, ox, [&](std::ptrdiff_t at, std::size_t kx) HWY_ATTR {
    const hn::Vec<D> v = load_windows<s.stride[1], s.kernel[1]>(d, x + at, kx);
    const auto replaces = pool_replaces(v, best);
    best = hn::IfThenElse(replaces, v, best);
    result = first ? payload(at, kx) : hn::IfThenElse(replaces, payload(at, kx), result);
    first = false;
  });
  return result;
}

/// Adds one row of g to the places of the maxima.
template <Pool2dSpec s>
HWY_INLINE void add_to_maxima(const float* x, const float* g, std::size_t oy,
                              float* HWY_RESTRICT dx) {
  static_assert(s.height * s.width <= std::size_t{1} << 24,
                "etch: pooled images have at most 2^24 pixels");  // exact as floats
  const auto corner = [oy](std::size_t ox) {
    return static_cast<std::ptrdiff_t>(oy * s.stride[0] * s.width + ox * s.stride[1]) -
           static_cast<std::ptrdiff_t>(s.padding[0] * s.width + s.padding[1]);
  };
  float offset[s.out_width];  // of the maximum from the corner of its window
  for_pool_columns<s>([&](auto d, std::size_t ox) HWY_ATTR {
    const auto payload = [&](std::ptrdiff_t at, std::size_t kx) HWY_ATTR {
      return hn::Set(d, static_cast<float>(at + static_cast<std::ptrdiff_t>(kx) - corner(ox)));
    };
    hn::StoreU(at_maximum<s>(d, x, oy, ox, payload), d, offset + ox);
  });
  for (std::size_t ox = 0; ox < s.out_width; ++ox) {
    dx[corner(ox) + static_cast<std::ptrdiff_t>(offset[ox])] += g[ox];
  }
}

/// What a row of windows gives to each of its input rows: row[ix] = the sum of g / window size over
/// the windows that reach column ix.
template <Pool2dSpec s> HWY_INLINE void spread_row(const float* g, float* HWY_RESTRICT row) {
  constexpr std::size_t before = s.kernel[1] - 1;
  // g at its place in the padded row, so that each tap reads it at another shift.
  float share[s.width + 2 * s.padding[1] + s.kernel[1] + lanes] = {};
  for (std::size_t ox = 0; ox < s.out_width; ++ox) {
    share[before + ox * s.stride[1]] = g[ox] / static_cast<float>(s.kernel[0] * s.kernel[1]);
  }
  const FloatTag d;
  for (std::size_t ix = 0; ix < s.width; ix += lanes) {
    hn::Vec<FloatTag> sum = hn::Zero(d);
    for (std::size_t kx = 0; kx < s.kernel[1]; ++kx) {
      sum = hn::Add(sum, hn::LoadU(d, share + before + ix + s.padding[1] - kx));
    }
    hn::StoreU(sum, d, row + ix);
  }
}

/// Windows of two by two side by side, nothing left over at the right: the common case.
constexpr bool pool_halves(const Pool2dSpec& s) {
  return s.kernel[0] == 2 && s.kernel[1] == 2 && s.stride[0] == 2 && s.stride[1] == 2 &&
         s.padding[0] == 0 && s.padding[1] == 0;
}

/// Writes a0 b0 a1 b1 ... to p.
template <class D> HWY_INLINE void store_pairs(D d, hn::Vec<D> a, hn::Vec<D> b, float* p) {
  if constexpr (hn::MaxLanes(D{}) == 1) {
    hn::StoreU(a, d, p);
    hn::StoreU(b, d, p + 1);
  } else {
    StoreInterleaved2(a, b, d, p);
  }
}

/// One vector of two-by-two windows: g to the place of each maximum, zeros to the other three.
template <class D>
HWY_INLINE void spread_to_maximum(D d, const float* x, std::size_t width, const float* g,
                                  float* HWY_RESTRICT dx) {
  const hn::Vec<D> x0 = load_windows<2, 2>(d, x, 0), x1 = load_windows<2, 2>(d, x, 1);
  const hn::Vec<D> x2 = load_windows<2, 2>(d, x + width, 0);
  const hn::Vec<D> x3 = load_windows<2, 2>(d, x + width, 1);
  const auto from1 = pool_replaces(x1, x0);
  const hn::Vec<D> best1 = hn::IfThenElse(from1, x1, x0);
  const auto from2 = pool_replaces(x2, best1);
  const hn::Vec<D> best2 = hn::IfThenElse(from2, x2, best1);
  const auto from3 = pool_replaces(x3, best2);
  const hn::Vec<D> g3 = hn::LoadU(d, g);
  const hn::Vec<D> g2 = hn::IfThenZeroElse(from3, g3);
  const hn::Vec<D> g1 = hn::IfThenZeroElse(from2, g2);
  store_pairs(d, hn::IfThenZeroElse(from1, g1), hn::IfThenElseZero(from1, g1), dx);
  store_pairs(d, hn::IfThenElseZero(from2, g2), hn::IfThenElseZero(from3, g3), dx + width);
}

/// The maxima of two-by-two windows whose first corner is at x: of the two rows first, as whole
/// vectors of them are at hand.
template <class D> HWY_INLINE hn::Vec<D> maximum_of_halves(D d, const float* x, std::size_t width) {
  constexpr std::size_t count = hn::MaxLanes(D{});
  const hn::Vec<D> low = max(d, hn::LoadU(d, x), hn::LoadU(d, x + width));
  const hn::Vec<D> high = max(d, hn::LoadU(d, x + count), hn::LoadU(d, x + width + count));
  if constexpr (count == 1) return max(d, low, high);
  else return max(d, ConcatEven(d, high, low), ConcatOdd(d, high, low));
}

/// Zeros where no two-by-two window reaches: the last column or row of an odd extent.
template <Pool2dSpec s> HWY_INLINE void clear_uncovered(float* HWY_RESTRICT dx) {
  constexpr std::size_t rows = 2 * s.out_height, columns = 2 * s.out_width;
  if constexpr (columns < s.width) {
    for (std::size_t y = 0; y < rows; ++y) {
      std::fill_n(dx + y * s.width + columns, s.width - columns, 0.0f);
    }
  }
  std::fill_n(dx + rows * s.width, (s.height - rows) * s.width, 0.0f);
}

}  // namespace detail

/// x: [planes, height, width] -> y: [planes, out_height, out_width], the maximum of each window.
/// Padding counts as minus infinity, a NaN as the largest number. y does not overlap x.
template <auto spec> void max_pool2d(const float* x, float* HWY_RESTRICT y) noexcept {
  for (std::size_t plane = 0; plane < spec.planes; ++plane) {
    for (std::size_t oy = 0; oy < spec.out_height; ++oy) {
      const auto visit = [&](auto d, std::size_t ox) HWY_ATTR {
        if constexpr (detail::pool_halves(spec)) {
          const float* corner = x + 2 * (oy * spec.width + ox);
          hn::StoreU(detail::maximum_of_halves(d, corner, spec.width), d, y + ox);
        } else {
          auto best = hn::Set(d, -std::numeric_limits<float>::infinity());
          detail::for_pool_taps<spec>(d, oy, ox, [&](std::ptrdiff_t at, std::size_t kx) HWY_ATTR {
            const auto v = detail::load_windows<spec.stride[1], spec.kernel[1]>(d, x + at, kx);
            best = hn::IfThenElse(detail::pool_replaces(v, best), v, best);
          });
          hn::StoreU(best, d, y + ox);
        }
      };
      detail::for_pool_columns<spec>(visit);
      y += spec.out_width;
    }
    x += spec.height * spec.width;
  }
}

/// x, h: [planes, height, width] -> y: [planes, out_height, out_width], h where max_pool2d of x
/// found its maximum (the first of equals). y overlaps neither.
template <auto spec>
void max_pool2d_pick(const float* x, const float* h, float* HWY_RESTRICT y) noexcept {
  for (std::size_t plane = 0; plane < spec.planes; ++plane) {
    for (std::size_t oy = 0; oy < spec.out_height; ++oy) {
      const auto visit = [&](auto d, std::size_t ox) HWY_ATTR {
        const auto payload = [&](std::ptrdiff_t at, std::size_t kx) HWY_ATTR {
          return detail::load_windows<spec.stride[1], spec.kernel[1]>(d, h + at, kx);
        };
        hn::StoreU(detail::at_maximum<spec>(d, x, oy, ox, payload), d, y + ox);
      };
      detail::for_pool_columns<spec>(visit);
      y += spec.out_width;
    }
    x += spec.height * spec.width;
    h += spec.height * spec.width;
  }
}

/// x: [planes, height, width], g: [planes, out_height, out_width] -> dx like x: each g added where
/// max_pool2d of x found the maximum (the first of equals), zeros elsewhere. dx overlaps neither.
template <auto spec>
void max_pool2d_gradient(const float* x, const float* g, float* HWY_RESTRICT dx) noexcept {
  constexpr std::size_t size = spec.height * spec.width;
  for (std::size_t plane = 0; plane < spec.planes; ++plane, x += size, dx += size) {
    if constexpr (detail::pool_halves(spec)) {
      for (std::size_t oy = 0; oy < spec.out_height; ++oy, g += spec.out_width) {
        detail::for_pool_columns<spec>([&](auto d, std::size_t ox) HWY_ATTR {
          const std::size_t corner = 2 * (oy * spec.width + ox);
          detail::spread_to_maximum(d, x + corner, spec.width, g + ox, dx + corner);
        });
      }
      detail::clear_uncovered<spec>(dx);
    } else {
      std::fill_n(dx, size, 0.0f);
      for (std::size_t oy = 0; oy < spec.out_height; ++oy, g += spec.out_width) {
        detail::add_to_maxima<spec>(x, g, oy, dx);
      }
    }
  }
}

/// x: [planes, height, width] -> y: [planes, out_height, out_width], the mean of each window.
/// Padding counts as zeros and is counted. y does not overlap x.
template <auto spec> void avg_pool2d(const float* x, float* HWY_RESTRICT y) noexcept {
  constexpr float count = static_cast<float>(spec.kernel[0] * spec.kernel[1]);
  for (std::size_t plane = 0; plane < spec.planes; ++plane) {
    for (std::size_t oy = 0; oy < spec.out_height; ++oy) {
      const auto visit = [&](auto d, std::size_t ox) HWY_ATTR {
        auto sum = hn::Zero(d);
        detail::for_pool_taps<spec>(d, oy, ox, [&](std::ptrdiff_t at, std::size_t kx) HWY_ATTR {
          sum = hn::Add(
              sum, detail::load_windows<spec.stride[1], spec.kernel[1]>(d, x + at, kx));
        });
        hn::StoreU(hn::Div(sum, hn::Set(d, count)), d, y + ox);
      };
      detail::for_pool_columns<spec>(visit);
      y += spec.out_width;
    }
    x += spec.height * spec.width;
  }
}

/// g: [planes, out_height, out_width] -> dx: [planes, height, width], g / window size added to
/// every element of its window. dx does not overlap g.
template <auto spec> void avg_pool2d_gradient(const float* g, float* HWY_RESTRICT dx) noexcept {
  constexpr float count = static_cast<float>(spec.kernel[0] * spec.kernel[1]);
  constexpr std::size_t size = spec.height * spec.width;
  for (std::size_t plane = 0; plane < spec.planes; ++plane, dx += size) {
    if constexpr (detail::pool_halves(spec)) {
      for (std::size_t oy = 0; oy < spec.out_height; ++oy, g += spec.out_width) {
        detail::for_pool_columns<spec>([&](auto d, std::size_t ox) HWY_ATTR {
          const auto share = hn::Div(hn::LoadU(d, g + ox), hn::Set(d, count));
          float* HWY_RESTRICT corner = dx + 2 * (oy * spec.width + ox);
          detail::store_pairs(d, share, share, corner);
          detail::store_pairs(d, share, share, corner + spec.width);
        });
      }
      detail::clear_uncovered<spec>(dx);
    } else {
      std::fill_n(dx, size, 0.0f);
      for (std::size_t oy = 0; oy < spec.out_height; ++oy, g += spec.out_width) {
        float shares[spec.width + lanes];
        detail::spread_row<spec>(g, shares);
        const detail::PoolClip rows = detail::pool_clip(spec, 0, oy);
        for (std::size_t ky = rows.first; ky < rows.last; ++ky) {
          const std::size_t row = oy * spec.stride[0] + ky - spec.padding[0];
          detail::add_row<spec.width>(shares, dx + row * spec.width);
        }
      }
    }
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
