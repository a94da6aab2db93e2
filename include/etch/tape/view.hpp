// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/tape/chain.hpp"
#include "etch/tape/tape.hpp"

// Movement ops compute nothing: they say where a number is to be read. These functions follow them
// down to the tensor that lies in memory.

namespace etch {

/// The shape without axes of extent one, which do not matter in memory.
constexpr Dims squeezed(const Dims& shape) {
  Dims result;
  for (std::size_t i = 0; i < shape.rank; ++i) {
    if (shape[i] != 1) result.push(shape[i]);
  }
  return result;
}

/// Where the elements of a value are found: in the tensor of instruction `base` (of one sample),
/// through `access` over the axes of the value.
struct View {
  int base = -1;
  Access access{};
};

namespace detail {

/// Along one axis of the tensor below: start + step * (index along `axis` of the value above).
struct Coordinate {
  std::size_t axis = max_rank;  // max_rank: none, the coordinate is constant
  std::size_t start = 0;
  std::size_t step = 1;
};

/// Not a C array: of those g++ 12 may let elements share their default value, and writing to one of
/// them then writes to others.
struct Coordinates {
  Array6<Coordinate> of{};
};
static_assert(max_rank == 6);

/// From coordinates in the result of a movement op to coordinates in its argument x.
constexpr Coordinates through(const Instruction& i, const Dims& x, const Coordinates& above) {
  Coordinates below;
  switch (i.op) {
    case Op::permute:
      for (std::size_t k = 0; k < x.rank; ++k) below.of[i.attr.order[k]] = above.of[k];
      break;
    case Op::slice:
      below = above;
      below.of[i.attr.axis].start = i.attr.start + i.attr.step * above.of[i.attr.axis].start;
      below.of[i.attr.axis].step = i.attr.step * above.of[i.attr.axis].step;
      break;
    case Op::broadcast:
      for (std::size_t k = 0; k < x.rank; ++k) {
        const std::size_t j = k + i.shape.rank - x.rank;
        if (x[k] == i.shape[j]) below.of[k] = above.of[j];
      }
      break;
    default: {  // a reshape that only adds or drops axes of extent one
      std::size_t j = 0;
      for (std::size_t k = 0; k < x.rank; ++k) {
        if (x[k] == 1) continue;
        while (i.shape[j] == 1) ++j;
        below.of[k] = above.of[j++];
      }
    }
  }
  return below;
}

constexpr bool can_look_through(const Tape& tape, const Instruction& i) {
  if (info(i.op).kind != OpKind::movement) return false;
  return !only_renames(i.op) || squeezed(i.shape) == squeezed(tape[i.args[0]].shape);
}

}  // namespace detail

/// Follows movement ops as far as strides can express them. A reshape that regroups axes ends the
/// way: its value lies in memory as its argument does, contiguous.
constexpr View view_of(const Tape& tape, int value) {
  const Dims& above = tape[value].shape;
  if (!detail::can_look_through(tape, tape[value])) return {value, contiguous(above)};
  detail::Coordinates at;
  for (std::size_t k = 0; k < above.rank; ++k) at.of[k].axis = k;
  int base = value;
  while (detail::can_look_through(tape, tape[base])) {
    const Instruction& i = tape[base];
    at = detail::through(i, tape[i.args[0]].shape, at);
    base = i.args[0];
  }
  View view{.base = base, .access = {}};
  const Dims& shape = tape[base].shape;
  const Access inner = contiguous(shape);
  for (std::size_t k = 0; k < shape.rank; ++k) {
    const detail::Coordinate& c = at.of[k];
    view.access.offset += c.start * inner.stride[k];
    if (c.axis != max_rank) view.access.stride[c.axis] += c.step * inner.stride[k];
  }
  for (std::size_t k = 0; k < above.rank; ++k) {
    if (above[k] == 1) view.access.stride[k] = 0;
  }
  return view;
}

namespace detail {
/// The views of a tape that no longer changes. Passes ask many times for the same ones, and each
/// walk costs compilers some hundred calls.
class Views {
 public:
  constexpr explicit Views(const Tape& tape) : tape_(tape), known_(tape.size(), View{}) {}

  constexpr const View& operator()(int value) {
    View& view = known_[static_cast<std::size_t>(value)];
    if (view.base < 0) view = view_of(tape_, value);
    return view;
  }

 private:
  const Tape& tape_;
  Table<View> known_;
};
}  // namespace detail

/// Whether a view of an iota runs 0, 1, 2, ... along one axis at most: then nothing need be read.
constexpr bool counts_positions(const View& view) {
  bool plain = view.access.offset == 0;
  for (std::size_t k = 0; k < max_rank; ++k) plain = plain && view.access.stride[k] <= 1;
  return plain;
}

/// The instruction in whose memory a value lies contiguously, reshapes being free.
template <class AnyTape> constexpr int storage_of(const AnyTape& tape, int value) {
  while (only_renames(tape[value].op)) value = tape[value].args[0];
  return value;
}

/// A tensor of samples as one: the batch in front (one sample where a value is not batched).
struct Domain {
  std::size_t rank = 0;
  std::size_t extent[max_rank + 1] = {};
};

constexpr Domain domain_of(const Tape& tape, const Instruction& i) {
  Domain domain;
  domain.rank = i.shape.rank + 1;
  domain.extent[0] = i.batched ? tape.batch : 1;
  for (std::size_t k = 0; k < i.shape.rank; ++k) domain.extent[k + 1] = i.shape[k];
  return domain;
}

/// How a domain position leads to a place in a buffer, before axes are merged.
struct DomainAccess {
  std::size_t offset = 0;
  std::size_t stride[max_rank + 1] = {};
};

constexpr DomainAccess domain_access(const Tape& tape, const View& view) {
  DomainAccess access;
  const Instruction& base = tape[view.base];
  access.offset = view.access.offset;
  access.stride[0] = base.batched && tape.batch != 1 ? base.shape.size() : 0;
  for (std::size_t k = 0; k < max_rank; ++k) access.stride[k + 1] = view.access.stride[k];
  return access;
}

/// An access over fewer axes; `ok` is false where strides do not allow the merge.
struct MergedAccess {
  Access access{};
  bool ok = true;
};

/// Rewrites an access over `domain` as one over the axes of `target`, each of which is a run of
/// neighbouring axes of the domain.
constexpr MergedAccess merge_onto(const Domain& domain, const DomainAccess& from,
                                  const Dims& target) {
  MergedAccess result;
  result.access.offset = from.offset;
  std::size_t k = domain.rank;
  for (std::size_t t = target.rank; t-- > 0;) {
    std::size_t covered = 1;
    while (covered < target[t] && k > 0) {
      const std::size_t extent = domain.extent[--k];
      if (extent == 1) continue;
      std::size_t& stride = result.access.stride[t];
      if (covered == 1) stride = from.stride[k];
      else result.ok = result.ok && from.stride[k] == stride * covered;
      covered *= extent;
    }
    result.ok = result.ok && covered == target[t];
  }
  return result;
}

}  // namespace etch
