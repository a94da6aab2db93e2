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

/// Plans the tape that `make()` returns, in the compiler.
template <auto make, auto scratch> constexpr auto freeze_program() {
  constexpr auto sizes = [] {
    const Program p = plan(make(), scratch);
    return std::array{p.steps.size(), p.links.size(), p.stores.size(), p.locations.size()};
  }();
  FrozenProgram<sizes[0], sizes[1], sizes[2], sizes[3]> frozen;
  const Tape tape = make();
  const Program p = plan(tape, scratch);
  detail::copy_all(p.steps, frozen.steps);
  detail::copy_all(p.links, frozen.links);
  detail::copy_all(p.stores, frozen.stores);
  detail::copy_all(p.locations, frozen.locations);
  frozen.workspace = p.workspace;
  return frozen;
}

/// Where a parameter starts within those of its tape, in floats: each on a cache line of its own.
template <class AnyTape>
constexpr std::size_t parameter_offset(const AnyTape& tape, std::size_t row) {
  std::size_t offset = 0;
  for (std::size_t i = 0; i < row; ++i) offset += round_to_line(tape.parameters[i].shape.size());
  return offset;
}

/// The floats that all parameters of a tape take together.
template <class AnyTape> constexpr std::size_t parameter_floats(const AnyTape& tape) {
  return parameter_offset(tape, tape.parameters.size());
}

}  // namespace etch
