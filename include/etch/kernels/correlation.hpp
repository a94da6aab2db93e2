// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_CORRELATION_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_CORRELATION_HPP
#undef ETCH_KERNELS_CORRELATION_HPP
#else
#define ETCH_KERNELS_CORRELATION_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/conv2d_layout.hpp"
#include "etch/kernels/lanes.hpp"

// A vector is a run of output pixels; a register tile is a few outputs by a few such vectors, and
// every weight is broadcast, a small number as a float. Each output is one accumulator over the
// taps in the order (channel, row, column), so its bits depend neither on the lane count nor on
// where the pixel lies.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace detail {
using namespace etch::detail;

// ---- packing the source -------------------------------------------------------------------------

template <std::size_t count> HWY_INLINE void clear_floats(float* to) {
  if constexpr (count != 0) std::memset(to, 0, count * sizeof(float));
}

/// to[i] = from[i * stride] for i < count; reads nothing beyond from + room.
template <std::size_t count, std::size_t stride, std::size_t room>
HWY_INLINE void copy_strided(const float* from, float* HWY_RESTRICT to) {
  if constexpr (count != 0 && stride == 1) {
    std::memcpy(to, from, count * sizeof(float));
  } else if constexpr (count >= 4 && stride == 2 && lanes > 1) {
    using D = TagFor<count>;
    constexpr std::size_t all = hn::MaxLanes(D{});
    unrolled<(count + all - 1) / all>([&](auto v) HWY_ATTR {
      constexpr std::size_t first = v * all, left = room - 2 * first;
      const hn::Vec<D> low = load_lanes<std::min(all, left)>(D{}, from + 2 * first);
      hn::Vec<D> high = low;
      if constexpr (left > all) {
        high = load_lanes<std::min(all, left - all)>(D{}, from + 2 * first + all);
      }
      store_lanes<std::min(all, count - first)>(D{}, ConcatEven(D{}, high, low), to + first);
    });
  } else {
    for (std::size_t i = 0; i < count; ++i) to[i] = from[i * stride];
  }
}

/// The output columns of one source row as tap column kx sees it.
template <Correlation c, std::size_t kx>
HWY_INLINE void pack_row(const float* row, float* HWY_RESTRICT to) {
  constexpr TapColumns columns = tap_columns(c, kx);
  constexpr std::size_t count = columns.last - columns.first;
  clear_floats<columns.first>(to);
  copy_strided<count, c.stride[1], c.in[1] - columns.source>(row + columns.source,
                                                             to + columns.first);
  clear_floats<c.out[1] - columns.last>(to + columns.last);
}

/// All rows of one channel as tap column kx sees them, phase by phase.
template <Correlation c, std::size_t kx>
HWY_INLINE void pack_tap_column(const float* source, float* HWY_RESTRICT to) {
  constexpr PackedSource packed(c);
  for (std::size_t phase = 0; phase < packed.phases; ++phase) {
    auto y = static_cast<std::ptrdiff_t>(phase) - c.padding[0];
    for (std::size_t r = 0; r < packed.rows; ++r, to += c.out[1]) {
      if (y >= 0 && y < static_cast<std::ptrdiff_t>(c.in[0])) {
        pack_row<c, kx>(source + static_cast<std::size_t>(y) * c.in[1], to);
      } else {
        clear_floats<c.out[1]>(to);
      }
      y += static_cast<std::ptrdiff_t>(c.stride[0]);
    }
  }
}

/// source: [inputs, in[0], in[1]] -> to: see PackedSource.
template <Correlation c> HWY_INLINE void pack_source(const float* source, float* HWY_RESTRICT to) {
  constexpr PackedSource packed(c);
  constexpr std::size_t column = packed.phases * packed.plane(c);
  for (std::size_t i = 0; i < c.inputs; ++i, source += c.in[0] * c.in[1]) {
    unrolled<c.kernel[1]>([&](auto kx) HWY_ATTR {
      pack_tap_column<c, kx>(source, to);
      to += column;
    });
  }
}

// ---- where the taps lie -------------------------------------------------------------------------

/// What a correlation reads: the source itself, the source with zeros around it, or the packed one.
enum class Layout : unsigned char { source, padded, packed };

/// Runs of pixels that are contiguous in memory, and the way from a pixel to its taps.
struct PixelRuns {
  Layout layout = Layout::packed;
  std::size_t count = 1, length = 1, pitch = 0;  ///< runs, pixels in one, distance of the next
};

constexpr std::size_t vectors_of(std::size_t n) { return (n + lanes - 1) / lanes; }

/// Half cycles, roughly, for each input channel to pack it; 4 a vector to load, store and steer.
constexpr std::size_t packing_cost(const Correlation& c) {
  const PackedSource packed(c);
  return 4 * c.kernel[1] * packed.phases * packed.rows * vectors_of(c.out[1]);
}

/// The cheapest layout: packing costs time, short rows leave lanes empty.
template <Correlation c> constexpr PixelRuns pixel_runs() {
  constexpr PixelRuns flat{Layout::packed, 1, c.pixels(), 0};
  if (reads_flat(c)) return {Layout::source, 1, c.pixels(), 0};
  if (c.stride[1] != 1) return flat;
  constexpr Correlation padded = padded_source(c);
  // In half cycles, too: a multiply-add is 1.
  const std::size_t vector = c.taps() * std::max<std::size_t>(c.outputs, 4);
  const std::size_t by_row = c.out[0] * vectors_of(c.out[1]) * vector;
  const std::size_t by_run = vectors_of(c.pixels()) * vector + packing_cost(c);
  if (reads_inside(c) && by_row <= by_run) {
    return {Layout::source, c.out[0], c.out[1], c.stride[0] * c.in[1]};
  }
  if (by_row + packing_cost(padded) <= by_run) {
    return {Layout::padded, c.out[0], c.out[1], c.stride[0] * padded.out[1]};
  }
  return flat;
}

/// Distance of tap (channel, ky, kx) from that of (0, 0, 0).
template <Correlation c>
constexpr std::size_t tap_offset(std::size_t channel, std::size_t ky, std::size_t kx) {
  constexpr Layout layout = pixel_runs<c>().layout;
  if (layout == Layout::packed) {
    return channel * PackedSource(c).channel(c) + PackedSource(c).tap(c, ky, kx);
  }
  const Correlation padded = padded_source(c);
  const std::size_t height = layout == Layout::source ? c.in[0] : padded.out[0];
  const std::size_t width = layout == Layout::source ? c.in[1] : padded.out[1];
  return (channel * height + ky * c.dilation[0]) * width + kx * c.dilation[1];
}

// ---- register tiles -----------------------------------------------------------------------------

/// Two fewer than there are: with all of them in use compilers spill.
inline constexpr std::size_t usable_registers =
    HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 30 : 14;

/// Outputs by rows by vectors of a row; with more than one row the vectors fill their runs.
struct ConvTile {
  std::size_t outputs = 1, rows = 1, vectors = 1;
};

/// Eighths of a cycle per tap: two multiply-adds or two loads a cycle, four cycles until a sum can
/// be added to again, and a little for every load, so that of equals the larger tile wins.
constexpr std::size_t tile_cost(std::size_t outputs, std::size_t vectors) {
  if (outputs * vectors == 0) return 0;
  return 4 * std::max<std::size_t>({outputs * vectors, outputs + vectors, 8}) + outputs + vectors;
}

/// The cost of covering everything with a tile and the smaller ones that are left over.
constexpr std::size_t cover_cost(const ConvTile& t, std::size_t outputs, const PixelRuns& runs) {
  const std::size_t all = vectors_of(runs.length);
  std::size_t cost = 0;
  for (const std::size_t rows : {t.rows, runs.count % t.rows}) {
    for (const std::size_t vectors : {t.vectors, all % t.vectors}) {
      if (rows * vectors == 0) continue;
      const std::size_t times = (rows == t.rows ? runs.count / rows : 1) *
                                (vectors == t.vectors ? all / vectors : 1);
      cost += times * (outputs / t.outputs * tile_cost(t.outputs, rows * vectors) +
                       tile_cost(outputs % t.outputs, rows * vectors));
    }
  }
  return cost;
}

constexpr ConvTile choose_tile(std::size_t outputs, const PixelRuns& runs) {
  const std::size_t all = vectors_of(runs.length);
  ConvTile best;
  for (std::size_t n = 1; n <= std::min(all * runs.count, usable_registers / 2); ++n) {
    if (n > all && n % all != 0) continue;
    for (std::size_t m = 1; m <= outputs; ++m) {
      if (m * n + (m > 1 ? n : 1) + 2 > usable_registers) break;
      const ConvTile tile{m, std::max<std::size_t>(1, n / all), std::min(n, all)};
      if (cover_cost(tile, outputs, runs) < cover_cost(best, outputs, runs)) best = tile;
    }
  }
  return best;
}

/// A tile as a template argument knows it; vector j is vector j % vectors of row j / vectors, and
/// the last vector of a row holds `last` pixels.
template <Correlation c, std::size_t outputs_, std::size_t rows, std::size_t vectors,
          std::size_t last>
struct CorrelationTile {
  static constexpr PixelRuns runs = pixel_runs<c>();
  static constexpr std::size_t outputs = outputs_, all = rows * vectors;
  static constexpr std::size_t count(std::size_t j) { return (j + 1) % vectors ? lanes : last; }
  static constexpr std::size_t offset(std::size_t j) {
    return j / vectors * runs.pitch + j % vectors * lanes;
  }
  static constexpr std::size_t pixel(std::size_t j) {
    return j / vectors * runs.length + j % vectors * lanes;
  }
};

/// Keeps g++ from carrying what it read through the pointer over to the next tap or pixel. Some of
/// that is read there again, but no register is free to hold it, and broadcasting a register costs
/// a shuffle, broadcasting from memory nothing.
HWY_INLINE const float* read_anew(const float* p) {
#if HWY_COMPILER_GCC_ACTUAL
  asm("" : "+r"(p));
#endif
  return p;
}

/// `count` source lanes. In scratch all lanes can be read: there is slack behind it.
template <Layout layout, std::size_t count, class D>
HWY_INLINE hn::Vec<D> load_pixels(D d, const float* p) {
  if constexpr (layout == Layout::source) {
    return load_lanes<count>(d, p);
  } else {
    return hn::LoadU(d, p);
  }
}

/// One tap of a tile: sum[i] belongs to output i / all and vector i % all.
template <Correlation c, class T, class D, class W, std::size_t... j, std::size_t... i>
HWY_INLINE void add_tap(D d, const float* source, const W* weight, hn::Vec<D>* HWY_RESTRICT sum,
                        std::index_sequence<j...>, std::index_sequence<i...>) {
  source = read_anew(source);
  hn::Vec<D> x[T::all] = {
      load_pixels<T::runs.layout, T::count(j)>(d, source + T::offset(j))...};
  if constexpr (T::outputs > 1) ((x[j] = in_register(x[j])), ...);
  ((sum[i] = hn::MulAdd(hn::Set(d, static_cast<float>(weight[i / T::all * c.weight_output])),
                        x[i % T::all], sum[i])),
   ...);
}

/// All taps of a tile.
template <Correlation c, class T, class D, class W>
HWY_INLINE void add_taps(D d, const float* source, const W* weight,
                         hn::Vec<D>* HWY_RESTRICT sum) {
  constexpr std::size_t step = c.kernel[1] > 1 ? tap_offset<c>(0, 0, 1) : 0;
  constexpr auto j = std::make_index_sequence<T::all>{};
  constexpr auto i = std::make_index_sequence<T::outputs * T::all>{};
  weight += c.weight_first;
  for (std::size_t channel = 0; channel < c.inputs; ++channel) {
    const W* row = weight;
    for (std::size_t ky = 0; ky < c.kernel[0]; ++ky, row += c.weight_tap[0]) {
      const float* from = source + tap_offset<c>(0, ky, 0);
      const W* w = row;
      for (std::size_t kx = 0; kx < c.kernel[1]; ++kx, from += step, w += c.weight_tap[1]) {
        add_tap<c, T>(d, from, w, sum, j, i);
      }
    }
    source += tap_offset<c>(1, 0, 0);
    if constexpr (c.weight_pair == 0) weight += c.weight_input;
    else weight += channel % 2 == 0 ? c.weight_input : c.weight_pair - c.weight_input;
  }
}

/// One tile from (output, pixel); calls finish(count, output, pixel, sum) for each vector.
template <Correlation c, class T, class W, class Finish>
HWY_INLINE void correlate_tile(const float* source, const W* weight, std::size_t output,
                               std::size_t pixel, const Finish& finish) {
  const FloatTag d;
  hn::Vec<FloatTag> sum[T::outputs * T::all];
  unrolled<T::outputs * T::all>([&](auto i) HWY_ATTR { sum[i] = hn::Zero(d); });
  add_taps<c, T>(d, source, weight + output * c.weight_output, sum);
  unrolled<T::outputs * T::all>([&](auto i) HWY_ATTR {
    constexpr std::size_t j = i % T::all;
    finish(std::integral_constant<std::size_t, T::count(j)>{}, output + i / T::all,
           pixel + T::pixel(j), sum[i]);
  });
}

/// All outputs at `rows` by `vectors` vectors of pixels.
template <Correlation c, std::size_t rows, std::size_t vectors, std::size_t last, class W,
          class Finish>
HWY_INLINE void correlate_outputs(const float* source, const W* weight, std::size_t pixel,
                                  const Finish& finish) {
  constexpr std::size_t step = choose_tile(c.outputs, pixel_runs<c>()).outputs;
  constexpr std::size_t rest = c.outputs % step;
  std::size_t output = 0;
  for (; output + step <= c.outputs; output += step) {
    using T = CorrelationTile<c, step, rows, vectors, last>;
    correlate_tile<c, T>(source, weight, output, pixel, finish);
  }
  if constexpr (rest != 0) {
    using T = CorrelationTile<c, rest, rows, vectors, last>;
    correlate_tile<c, T>(source, weight, output, pixel, finish);
  }
}

/// `rows` whole runs from `pixel`.
template <Correlation c, std::size_t rows, class W, class Finish>
HWY_INLINE void correlate_rows(const float* source, const W* weight, std::size_t pixel,
                               const Finish& finish) {
  constexpr PixelRuns runs = pixel_runs<c>();
  constexpr std::size_t vectors = choose_tile(c.outputs, runs).vectors, step = vectors * lanes;
  constexpr std::size_t rest = runs.length % step;
  for (std::size_t i = 0; i < runs.length / step; ++i, source += step, pixel += step) {
    correlate_outputs<c, rows, vectors, lanes>(source, weight, pixel, finish);
  }
  if constexpr (rest != 0) {
    constexpr std::size_t tail = vectors_of(rest), last = rest - (tail - 1) * lanes;
    correlate_outputs<c, rows, tail, last>(source, weight, pixel, finish);
  }
}

/// The whole of one group, from a source that lies as `pixel_runs` says.
template <Correlation c, class W, class Finish>
HWY_INLINE void correlate(const float* source, const W* weight, const Finish& finish) {
  constexpr PixelRuns runs = pixel_runs<c>();
  constexpr std::size_t rows = choose_tile(c.outputs, runs).rows;
  std::size_t run = 0;
  for (; run + rows <= runs.count; run += rows, source += rows * runs.pitch) {
    correlate_rows<c, rows>(source, weight, run * runs.length, finish);
  }
  if constexpr (runs.count % rows != 0) {
    correlate_rows<c, runs.count % rows>(source, weight, run * runs.length, finish);
  }
}

/// Packs the source of one group if need be and correlates.
template <Correlation c, class W, class Finish>
HWY_INLINE void pack_and_correlate(const float* source, const W* weight, float* scratch,
                                   const Finish& finish) {
  constexpr Layout layout = pixel_runs<c>().layout;
  if constexpr (layout == Layout::packed) pack_source<c>(source, scratch);
  if constexpr (layout == Layout::padded) pack_source<padded_source(c)>(source, scratch);
  correlate<c>(layout == Layout::source ? source : scratch, weight, finish);
}

}  // namespace detail

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
