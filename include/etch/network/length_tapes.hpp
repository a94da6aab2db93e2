// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/mp11.hpp>
#include <cstddef>
#include <utility>

#include "etch/network/parameter_table.hpp"
#include "etch/tape/varying.hpp"

// The tapes of a block for all lengths up to a longest one.

namespace etch {

/// Which axes of the inputs of a network vary together: bit k of inputs[i] stands for axis k of
/// input i. They all have the same extent, the longest there can be.
struct Varying {
  Array6<std::size_t> inputs{};
};

/// Steps of a sequence: axis 0 of the first input.
inline constexpr Varying sequence_length{{{1, 0, 0}, {}}};
/// Nodes of a graph: axis 0 of the first input, their features, and both of the second, the edges.
inline constexpr Varying node_count{{{1, 3, 0}, {}}};

namespace detail {

/// An InputPart as a type.
template <std::size_t offset, class S, std::size_t vary> struct VaryingPart {
  static constexpr InputPart part{offset, S::dims, vary};

  /// The only extent of the axes that vary; zero if there is none, or if they differ.
  static constexpr std::size_t longest = [] {
    std::size_t result = 0;
    for (std::size_t k = 0; k < S::rank; ++k) {
      if ((vary >> k & 1) == 0) continue;
      if (result != 0 && S::dims[k] != result) return std::size_t{0};
      result = S::dims[k];
    }
    return vary >> S::rank == 0 ? result : 0;
  }();
};

template <Varying axes, class S> struct varying_parts {
  using type = mp::mp_list<VaryingPart<0, S, axes.inputs[0]>>;
};
template <Varying axes, class... S> struct varying_parts<axes, Shapes<S...>> {
  static constexpr std::size_t offset(std::size_t i) {
    constexpr std::size_t sizes[] = {S::size...};
    std::size_t result = 0;
    for (std::size_t k = 0; k < i; ++k) result += sizes[k];
    return result;
  }
  template <class I> struct make;
  template <std::size_t... i> struct make<std::index_sequence<i...>> {
    using type = mp::mp_list<VaryingPart<offset(i), S, axes.inputs[i]>...>;
  };
  using type = typename make<std::index_sequence_for<S...>>::type;
};

/// The inputs of a network, with the axes that vary.
template <class Net, Varying axes>
using VaryingParts = typename varying_parts<axes, InputsOf<Net>>::type;

/// The extent that they all have; zero if there is a mistake.
template <class... Part> constexpr std::size_t common_extent(mp::mp_list<Part...>) {
  std::size_t result = 0;
  bool ok = true;
  const auto add = [&](std::size_t extent) {
    ok = ok && extent != 0 && (result == 0 || result == extent);
    result = extent;
  };
  ((Part::part.vary == 0 ? void() : add(Part::longest)), ...);
  return ok ? result : 0;
}

template <bool ok, class Net> inline constexpr bool lengths_agree = ok;

template <class Net, Varying axes>
inline constexpr std::size_t longest_run = [] {
  if constexpr (!Net::valid) return std::size_t{0};  // which says so itself
  constexpr std::size_t longest = common_extent(VaryingParts<Net, axes>{});
  // Asked for first: behind an error g++ 12 does not evaluate loops over ranges any more.
  [[maybe_unused]] constexpr std::size_t floats = parameter_floats_of<Net>;
  static_assert(lengths_agree<longest != 0, Net>,
                "etch: axes that vary together are axes of the inputs, and of one extent");
  return longest;
}();

/// Inputs: x, the length of the run. Output: y.
template <class Layers, class S, std::size_t longest, class Parts> struct LengthTape;
template <class Layers, class S, std::size_t longest, class... Part>
struct LengthTape<Layers, S, longest, mp::mp_list<Part...>> {
  constexpr Tape operator()() const {
    return with_lengths(formula_tape<Layers, S>.thaw(), {Part::part...}, longest);
  }
  static constexpr Room room() {
    return {formula_tape<Layers, S>.size() + 8, formula_tape<Layers, S>.parameters.size() + 1};
  }
};

}  // namespace detail
}  // namespace etch
