// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <limits>

#include "etch/network/parameter_table.hpp"
#include "etch/tape/fuse.hpp"
#include "etch/tape/stream.hpp"

// A network that runs step by step: which can, what a step costs, and the tapes of its blocks.

namespace etch {

/// The next n steps of a block. Inputs: see StreamInput. Outputs: y.
template <class Layers, class S, std::size_t axis, long late, std::size_t n> struct StreamTape {
  static constexpr Stream stream() {
    return streamed(detail::formula_tape<Layers, S>.thaw(), axis, n, late);
  }
  constexpr Tape operator()() const {
    return with_distinct_outputs(with_single_terms_elementwise(stream().tape));
  }
  static constexpr Room room() { return detail::room_of_formula<Layers, S>(3); }
};

namespace detail {

/// A stream without its tape.
struct StreamFacts {
  bool ok = false;
  std::size_t axis = 0;
  long back = 0, ahead = 0;
  std::size_t windows = 0;
};

/// Nothing that a network remembers for ever ends.
inline constexpr long unbounded = std::numeric_limits<long>::max() / 2;

template <class B, std::size_t axis, long late, std::size_t n> struct stream_of_block;

template <class Layers, class S, std::size_t first, std::size_t time, long late, std::size_t n>
struct stream_of_block<Block<Layers, S, first>, time, late, n> {
  using Source = StreamTape<Layers, S, time, late, n>;

  static constexpr StreamFacts facts = [] {
    if (time >= S::rank || S::dims[time] < n) return StreamFacts{};
    const Stream s = Source::stream();
    return StreamFacts{s.ok && s.steps >= n, s.axis, s.back, s.ahead, s.windows.size()};
  }();
  static constexpr auto windows = [] {
    std::array<Window, facts.windows> result{};
    if constexpr (facts.windows != 0) copy_all(Source::stream().windows, result);
    return result;
  }();
};

template <std::size_t truncation, class... D, class S, std::size_t layer, std::size_t time,
          long late, std::size_t n>
struct stream_of_block<RecurrentBlock<Recurrence<truncation, D...>, S, layer>, time, late, n> {
  static constexpr StreamFacts facts = {
      .ok = time == 0 && late >= 0 && !(D::reverse || ...), .back = unbounded};
};

/// The blocks of a network one after the other: what each makes of time decides what the next gets.
template <std::size_t axis, long late, std::size_t n, class... B> struct stream_chain {
  static constexpr StreamFacts facts = {.ok = late >= 0, .axis = axis};
  using links = mp::mp_list<>;
};

/// A block of a stream.
template <class B, std::size_t time, long behind, std::size_t steps> struct StreamLink {
  using block = B;
  static constexpr std::size_t axis = time, n = steps;
  static constexpr long late = behind;
};

template <bool ok, class First, class... Rest> struct stream_rest {
  using links = mp::mp_list<>;
  static constexpr StreamFacts facts = {};
};
template <std::size_t axis, long late, std::size_t n, class First, class... Rest>
struct stream_rest<true, StreamLink<First, axis, late, n>, Rest...> {
  static constexpr StreamFacts first = stream_of_block<First, axis, late, n>::facts;
  using rest = stream_chain<first.axis, late + first.ahead, n, Rest...>;
  using links = mp::mp_push_front<typename rest::links, StreamLink<First, axis, late, n>>;
  static constexpr StreamFacts facts = {
      .ok = rest::facts.ok,
      .axis = rest::facts.axis,
      .back = first.back >= unbounded || rest::facts.back >= unbounded
                  ? unbounded
                  : first.back + rest::facts.back,
      .ahead = first.ahead + rest::facts.ahead};
};

template <std::size_t axis, long late, std::size_t n, class First, class... Rest>
struct stream_chain<axis, late, n, First, Rest...>
    : stream_rest<stream_of_block<First, axis, late, n>::facts.ok,
                  StreamLink<First, axis, late, n>, Rest...> {};

template <class Net, std::size_t axis, std::size_t n> struct stream_along {
  template <class... B> using chain = stream_chain<axis, 0, n, B...>;
  using type = mp::mp_rename<Blocks<Net>, chain>;
};

/// Time is the first axis of the input along which all layers can follow it; the rank if none is.
template <class Net, std::size_t n, std::size_t axis = 0> constexpr std::size_t find_time() {
  if constexpr (axis == InputShape<Net>::rank) return axis;
  else if constexpr (stream_along<Net, axis, n>::type::facts.ok) return axis;
  else return find_time<Net, n, axis + 1>();
}

template <class Net, std::size_t n = 1>
inline constexpr std::size_t time_axis = find_time<Net, n>();

template <class Net, std::size_t n = 1>
using StreamOf = typename stream_along<Net, time_axis<Net, n>, n>::type;

}  // namespace detail

/// Whether a network can run step by step, along the first axis of its input for which that is so:
/// [T, F], or [C, T] for convolutions. What a layer needs of the past it keeps: convolutions a
/// window, attention (Causal<>) as many keys and values as there are steps in the input shape,
/// recurrences their states. What looks at all of a sequence, or back from its end, can not. After
/// more steps than that attention sees the latest ones (in blocks: those before the block's end).
template <class Net, std::size_t n = 1>
inline constexpr bool streams = Net::valid && detail::time_axis<Net, n> < InputShape<Net>::rank;

namespace detail {
/// Whether there is one result for each step.
template <class Net>
inline constexpr bool keeps_steps = InputShape<Net>::dims[time_axis<Net>] ==
                                    OutputShape<Net>::dims[StreamOf<Net>::facts.axis];

/// Whether a sequence is computed step by step, as its stream: then both are the same to the bit.
template <class Net> constexpr bool goes_by_steps() {
  if constexpr (!recurs<Net>) return false;
  else if constexpr (!streams<Net>) return false;
  else return StreamOf<Net>::facts.ahead == 0 && keeps_steps<Net>;
}
}  // namespace detail

/// How many steps late results come: those of the future that an output depends on.
template <class Net>
  requires streams<Net>
inline constexpr std::size_t latency =
    static_cast<std::size_t>(detail::StreamOf<Net>::facts.ahead);

/// Steps of the input that an output depends on; the largest number if it depends on all.
template <class Net>
  requires streams<Net>
inline constexpr std::size_t receptive_field = [] {
  constexpr detail::StreamFacts facts = detail::StreamOf<Net>::facts;
  if (facts.back >= detail::unbounded) return std::numeric_limits<std::size_t>::max();
  return static_cast<std::size_t>(facts.back + facts.ahead + 1);
}();

}  // namespace etch
