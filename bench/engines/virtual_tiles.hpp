// SPDX-License-Identifier: BSL-1.0
#pragma once
// Register tiles of the dynamic twin (virtual.cpp): their sizes are template arguments, all else is
// known at run time only.

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <utility>

#include "../engine.hpp"
#include "etch/kernels/conv2d.hpp"
#include "etch/kernels/matmul.hpp"

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
namespace kernels = etch::HWY_NAMESPACE;

using kernels::lanes;
using kernels::unrolled;
using Tag = kernels::FloatTag;
using V = hn::Vec<Tag>;

/// At each step `rows` floats of a, broadcast, times `vectors` vectors of b. Dense: a is x, a row a
/// sample, and b the weights [in][vectors of outputs]. Convolution: a is the weights [taps][rows],
/// a row an output channel, and b the pixels of a tap.
struct Tile {
  const float *a, *b, *bias;
  float* y;
  std::size_t steps, a_pitch, y_pitch;  ///< from row to row
  std::size_t tail;                     ///< floats in the last vector of a row
  Activation activation;
  const std::size_t* offset;  ///< of each tap from b
  std::size_t b_step;         ///< from vector to vector of pixels
};

template <std::size_t n> HWY_INLINE void activate(Activation activation, V* HWY_RESTRICT acc) {
  const Tag d;
  if (activation == Activation::relu) {
    unrolled<n>([&](auto i) HWY_ATTR { acc[i] = hn::Max(acc[i], hn::Zero(d)); });
  } else if (activation == Activation::tanh) {
    unrolled<n>([&](auto i) HWY_ATTR { acc[i] = kernels::tanh(d, acc[i]); });
  }
}

template <std::size_t rows, std::size_t vectors>
HWY_INLINE void finish(const Tile& t, V* HWY_RESTRICT acc) {
  activate<rows * vectors>(t.activation, acc);
  float* const y = t.y;
  const std::size_t pitch = t.y_pitch, tail = t.tail;
  unrolled<rows * vectors>([&](auto i) HWY_ATTR {
    float* to = y + i / vectors * pitch + i % vectors * lanes;
    if (i % vectors + 1 != vectors || tail == lanes) {
      hn::StoreU(acc[i], Tag{}, to);
    } else {
      kernels::store_n(acc[i], Tag{}, to, tail);
    }
  });
}

template <std::size_t rows, std::size_t vectors>
HWY_INLINE void add_dense(const float* a, std::size_t pitch, const float* b, V* HWY_RESTRICT acc) {
  const Tag d;
  V w[vectors];
  unrolled<vectors>([&](auto v) HWY_ATTR { w[v] = hn::Load(d, b + v * lanes); });
  unrolled<rows>([&](auto r) HWY_ATTR {
    const V x = hn::Set(d, a[r * pitch]);
    unrolled<vectors>([&](auto v) HWY_ATTR {
      acc[r * vectors + v] = hn::MulAdd(x, w[v], acc[r * vectors + v]);
    });
  });
}

template <std::size_t rows, std::size_t vectors> void dense_tile(const Tile& t) {
  // Partial sums, so that eight multiply-adds are in flight however small the tile.
  constexpr std::size_t size = rows * vectors, width = vectors * lanes;
  constexpr std::size_t split = size >= 8 ? 1 : size >= 4 ? 2 : size >= 2 ? 4 : 8;
  const Tag d;
  V acc[size * split];
  unrolled<size * split>([&](auto i) HWY_ATTR {
    acc[i] = i < size ? hn::Load(d, t.bias + i % vectors * lanes) : hn::Zero(d);
  });
  const std::size_t steps = t.steps, pitch = t.a_pitch;
  const float *a = t.a, *b = t.b;
  std::size_t k = 0;
  for (; k + split <= steps; k += split, b += split * width) {
    unrolled<split>([&](auto s) HWY_ATTR {
      add_dense<rows, vectors>(a + k + s, pitch, b + s * width, acc + s * size);
    });
  }
  for (; split > 1 && k < steps; ++k, b += width) {
    add_dense<rows, vectors>(a + k, pitch, b, acc);
  }
  kernels::detail::fold_parts<size, split>(acc);
  finish<rows, vectors>(t, acc);
}

template <std::size_t rows, std::size_t vectors> void conv_tile(const Tile& t) {
  const Tag d;
  V acc[rows * vectors];
  unrolled<rows * vectors>([&](auto i) HWY_ATTR { acc[i] = hn::Set(d, t.bias[i / vectors]); });
  const float *weight = t.a, *first = t.b;
  const std::size_t *offset = t.offset, *end = offset + t.steps, step = t.b_step;
  for (; offset != end; ++offset, weight += rows) {
    V x[vectors];
    unrolled<vectors>([&](auto v) HWY_ATTR {
      x[v] = kernels::in_register(hn::LoadU(d, first + *offset + v * step));
    });
    unrolled<rows * vectors>([&](auto i) HWY_ATTR {
      acc[i] = hn::MulAdd(hn::Set(d, weight[i / vectors]), x[i % vectors], acc[i]);
    });
  }
  finish<rows, vectors>(t, acc);
}

constexpr std::size_t most_rows = 8, most_vectors = 8, most_samples = 6, most_pixels = 4;

constexpr bool fits_conv(std::size_t rows, std::size_t vectors) {
  return rows * vectors + vectors + 2 <= kernels::detail::usable_registers;
}

using Kernel = void (*)(const Tile&);

template <bool conv, std::size_t rows, std::size_t vectors> constexpr Kernel kernel() {
  if constexpr (conv && vectors <= most_pixels && fits_conv(rows, vectors)) {
    return conv_tile<rows, vectors>;
  } else if constexpr (!conv && rows <= most_samples &&
                       rows * vectors <= kernels::detail::tile_budget) {
    return dense_tile<rows, vectors>;
  } else {
    return nullptr;
  }
}

template <bool conv, std::size_t... i> constexpr auto table(std::index_sequence<i...>) {
  return std::array{kernel<conv, i / most_vectors + 1, i % most_vectors + 1>()...};
}
template <bool conv>
constexpr auto kernel_table = table<conv>(std::make_index_sequence<most_rows * most_vectors>{});

template <bool conv> void run_tile(std::size_t rows, std::size_t vectors, const Tile& tile) {
  kernel_table<conv>[(rows - 1) * most_vectors + vectors - 1](tile);
}

}  // namespace
}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
