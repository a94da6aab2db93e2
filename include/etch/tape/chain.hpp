// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>

#include "etch/expr/number_type.hpp"
#include "etch/expr/op.hpp"
#include "etch/tape/lengths.hpp"

namespace etch {

/// Where the element at position (i0, i1, ...) of a domain lies in a buffer:
/// offset + i0 * stride[0] + i1 * stride[1] + ... in elements; a stride of zero broadcasts.
struct Access {
  std::size_t offset = 0;
  Array6<std::size_t> stride{};

  constexpr bool operator==(const Access&) const = default;
};

/// Strides of a contiguous row-major tensor.
constexpr Access contiguous(const Dims& shape) {
  Access access{};
  std::size_t stride = 1;
  for (std::size_t i = shape.rank; i-- > 0;) {
    access.stride[i] = shape[i] == 1 ? 0 : stride;
    stride *= shape[i];
  }
  return access;
}

/// One value of a chain. `op` is an elementwise op over earlier links, or a leaf:
///   input      read from source `buffer` through `access`
///   parameter  the result of the heavy op that carries this chain (its accumulator): link 0, or
///              one link for each of its parts, `buffer`
///   constant   `value`
///   iota       the position along domain axis `buffer`, as a float
/// A `random` link counts the places of its stream `buffer` through `access`.
struct Link {
  Op op = Op::constant;
  NumberType type = NumberType::f32;  ///< input: what is read
  Array3<int> args{-1, -1, -1};
  int buffer = -1;
  Access access{};
  double value = 0;  // last: clang 19 loses code, or crashes, where an argument ends in padding

  constexpr bool operator==(const Link&) const = default;
};

/// A value that leaves the chain: link `value` goes to target `buffer`, which is contiguous and
/// row-major over the domain.
struct Store {
  int value = -1;
  int buffer = -1;

  constexpr bool operator==(const Store&) const = default;
};

/// A fused run of elementwise ops over one iteration domain, as a value that can be a template
/// argument: equal chains at different places of a network are one function.
///
/// Carried by a heavy op the domain is exactly (outer, row, column) of that op's result.
template <std::size_t links, std::size_t stores> struct Chain {
  Dims domain;
  std::array<Link, links> link;
  std::array<Store, stores> store;
  Lengths lengths{};

  constexpr bool operator==(const Chain&) const = default;
};

}  // namespace etch
