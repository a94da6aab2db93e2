// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "etch/config.hpp"  // first of all: says so if the compiler is too old

namespace etch {

inline constexpr std::size_t max_rank = 6;

/// The extents of a tensor as a value: what the tape computes with. Unused entries are zero, so
/// that two equal shapes are equal values.
struct Dims {
  std::size_t rank = 0;
  std::size_t extent[max_rank] = {};

  constexpr std::size_t operator[](std::size_t i) const { return extent[i]; }

  constexpr std::size_t size() const {
    std::size_t n = 1;
    for (std::size_t i = 0; i < rank; ++i) n *= extent[i];
    return n;
  }

  /// The extent counted from the back: back(0) is the fastest running axis.
  constexpr std::size_t back(std::size_t i) const { return extent[rank - 1 - i]; }

  constexpr void push(std::size_t n) { extent[rank++] = n; }

  constexpr bool operator==(const Dims&) const = default;
};

/// The extents of a tensor as a type. Row-major; `Shape<>` is a scalar.
template <std::size_t... extents> struct Shape {
  static_assert(sizeof...(extents) <= max_rank, "etch: a tensor has at most six axes");
  static constexpr std::size_t rank = sizeof...(extents);
  static constexpr Dims dims{rank, {extents...}};
  static constexpr std::size_t size = dims.size();

  template <std::size_t axis> static constexpr std::size_t extent = dims.extent[axis];
};

namespace detail {
// The index sequence is made inside: g++ 12 crashes when an alias computes it from a dependent
// value.
template <Dims dims> struct shape_from {
  template <std::size_t... i>
  static Shape<dims.extent[i]...> make(std::index_sequence<i...>);
  using type = decltype(make(std::make_index_sequence<dims.rank>{}));
};
}  // namespace detail

/// The way back from the value to the type.
template <Dims dims> using ShapeFrom = typename detail::shape_from<dims>::type;

/// What NumPy and PyTorch call broadcasting: align at the back, stretch extents of one.
/// `ok` is false where two extents differ and neither is one.
struct Broadcast {
  Dims dims;
  bool ok = true;
};

constexpr Broadcast broadcast_dims(const Dims& a, const Dims& b) {
  Broadcast result;
  result.dims.rank = a.rank > b.rank ? a.rank : b.rank;
  for (std::size_t i = 0; i < result.dims.rank; ++i) {
    const std::size_t m = i < a.rank ? a.back(i) : 1;
    const std::size_t n = i < b.rank ? b.back(i) : 1;
    result.ok = result.ok && (m == n || m == 1 || n == 1);
    result.dims.extent[result.dims.rank - 1 - i] = m == 1 ? n : m;
  }
  return result;
}

}  // namespace etch
