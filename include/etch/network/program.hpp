// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>

#include "etch/tape/plan.hpp"

namespace etch {

/// A program at rest in a constant.
template <std::size_t step_count, std::size_t link_count, std::size_t store_count,
          std::size_t location_count>
struct FrozenProgram {
  std::array<PlannedStep, step_count> steps{};
  std::array<Link, link_count> links{};
  std::array<Store, store_count> stores{};
  std::array<Location, location_count> locations{};
  std::size_t workspace = 0;
};

namespace detail {
template <class From, class To> constexpr void copy_program(const From& from, To& to) {
  copy_all(from.steps, to.steps);
  copy_all(from.links, to.links);
  copy_all(from.stores, to.stores);
  copy_all(from.locations, to.locations);
  to.workspace = from.workspace;
}
}  // namespace detail

/// Plans a frozen tape in the compiler. As with tapes, most programs are made once, with as much
/// room as they usually want, and cut to size.
template <const auto& tape, auto scratch> constexpr auto freeze_program() {
  constexpr std::size_t steps = tape.size() / 2 + 2, links = tape.size() + 4;
  constexpr std::size_t stores = tape.size() / 2 + 2, locations = 2 * tape.size();
  struct Made {
    FrozenProgram<steps, links, stores, locations> program{};
    std::size_t sizes[4] = {};
  };
  constexpr Made made = [] {
    const Tape thawed = tape.thaw();
    const Program p = plan(thawed, scratch);
    Made result{.sizes = {p.steps.size(), p.links.size(), p.stores.size(), p.locations.size()}};
    detail::copy_program(p, result.program);
    return result;
  }();
  FrozenProgram<made.sizes[0], made.sizes[1], made.sizes[2], made.sizes[3]> frozen;
  constexpr bool fits = made.sizes[0] <= steps && made.sizes[1] <= links &&
                        made.sizes[2] <= stores && made.sizes[3] <= locations;
  if constexpr (fits) {
    detail::copy_program(made.program, frozen);
  } else {
    const Tape thawed = tape.thaw();
    detail::copy_program(plan(thawed, scratch), frozen);
  }
  return frozen;
}

namespace detail {
/// Whether source k of a step is only read at the position that is written.
template <class AnyProgram>
constexpr bool reads_in_place(const AnyProgram& program, const PlannedStep& step, std::size_t k) {
  const Access same = contiguous(step.domain);
  for (std::size_t i = 0; i < step.links; ++i) {
    const Link& link = program.links[step.first_link + i];
    if (link.op == Op::input && link.buffer == static_cast<int>(k) && !(link.access == same)) {
      return false;
    }
  }
  return true;
}
}  // namespace detail

/// Whether a program may be given the same memory for an input and an output: it has read the one
/// when it writes the other.
template <class AnyProgram>
constexpr bool may_share(const AnyProgram& program, std::size_t input, std::size_t output) {
  bool written = false;
  for (const PlannedStep& step : program.steps) {
    const std::size_t reads = step.arguments + step.sources;
    const auto at = [&](std::size_t k) { return program.locations[step.first_location + k]; };
    bool writes = false;
    for (std::size_t k = reads; k < reads + step.targets; ++k) {
      writes = writes || at(k) == Location{Location::Kind::output, output};
    }
    for (std::size_t k = 0; k < reads; ++k) {
      if (!(at(k) == Location{Location::Kind::input, input})) continue;
      const bool in_place = k >= step.arguments &&
                            detail::reads_in_place(program, step, k - step.arguments);
      if (written || (writes && !in_place)) return false;
    }
    written = written || writes;
  }
  return true;
}

/// Floats, or offsets in floats, in the two areas of parameters: those that an optimizer changes,
/// and the rest.
struct ParameterFloats {
  std::size_t trained = 0, fixed = 0;
};

namespace detail {
/// The first `rows` parameters of a tape, each on a cache line of its own.
template <class AnyTape>
constexpr ParameterFloats floats_of_rows(const AnyTape& tape, std::size_t rows) {
  ParameterFloats floats;
  for (std::size_t i = 0; i < rows; ++i) {
    const bool trained = tape.parameters[i].role == Role::trained;
    (trained ? floats.trained : floats.fixed) += round_to_line(tape.parameters[i].floats());
  }
  return floats;
}
}  // namespace detail

/// Where a parameter starts within those of its tape and its area, in floats.
template <class AnyTape>
constexpr std::size_t parameter_offset(const AnyTape& tape, std::size_t row) {
  const ParameterFloats before = detail::floats_of_rows(tape, row);
  return tape.parameters[row].role == Role::trained ? before.trained : before.fixed;
}

/// The floats that all parameters of a tape take together.
template <class AnyTape> constexpr ParameterFloats parameter_floats(const AnyTape& tape) {
  return detail::floats_of_rows(tape, tape.parameters.size());
}

}  // namespace etch
