// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/shape.hpp"

// Mistakes are reported as one static_assert on a named condition: its template arguments carry the
// facts (where, what was expected, what was found), so that the compiler prints them.

namespace etch {

/// Where a mistake was found: the layer and its position in the network.
template <std::size_t position, class Layer> struct AtLayer {};
/// Where a mistake was found: between a network and its loss.
template <class Loss> struct AtLoss {};
/// Where a mistake was found: a function used inside a formula.
template <class Function> struct InFormula {};

template <class What> struct Expected {};
template <class What> struct Got {};

// What can be expected beside a Shape.
template <std::size_t rank> struct AnyShapeOfRank {};
template <std::size_t groups> struct ChannelsDivisibleBy {};
template <std::size_t count> struct Channels {};
template <std::size_t number> struct AtLeast {};
template <std::size_t number> struct AtMost {};
template <std::size_t number> struct Number {};
template <double number> struct GreaterThan {};
template <double number> struct NotBelow {};
template <double number> struct Real {};
template <std::size_t rank> struct RankOfAtLeast {};
template <std::size_t axis> struct EvenAxis {};
template <std::size_t count> struct ElementsPerChannel {};
template <std::size_t height, std::size_t width> struct WindowFits {};
template <std::size_t axis, std::size_t extent> struct AxisOf {};
template <std::size_t axis, std::size_t extent> struct AxisOfAtLeast {};
template <class... Options> struct OneOf {};
struct ProbabilityBelowOne {};

template <bool ok, class Where, class What, class Found> inline constexpr bool shapes_agree = ok;
template <bool ok, class Where, class What, class Found> inline constexpr bool options_agree = ok;

/// The verdict of a layer about its input: `Fits`, or a `Misfit` with the facts; or about its own
/// options, whatever the input is: `OptionMisfit`.
struct Fits {
  static constexpr bool ok = true;
  static constexpr bool options_ok = true;
  using expected = void;
  using got = void;
};
template <class What, class Found> struct Misfit {
  static constexpr bool ok = false;
  static constexpr bool options_ok = true;
  using expected = Expected<What>;
  using got = Got<Found>;
};
template <class What, class Found> struct OptionMisfit : Misfit<What, Found> {
  static constexpr bool options_ok = false;
};

namespace detail {
template <bool ok, class What, class Found> struct verdict {
  using type = Misfit<What, Found>;
};
template <class What, class Found> struct verdict<true, What, Found> {
  using type = Fits;
};
}  // namespace detail

template <bool ok, class What, class Found>
using Verdict = typename detail::verdict<ok, What, Found>::type;

}  // namespace etch
