// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/kernels/conv2d_layout.hpp"
#include "etch/kernels/matmul_plan.hpp"
#include "etch/network/program.hpp"
#include "etch/tape/small_numbers.hpp"

// A tape with its plan, as constants that all vector widths share.

namespace etch {

/// Floats of working memory that the kernel of an instruction wants.
constexpr std::size_t scratch_of(const Tape& tape, const Instruction& i) {
  switch (i.op) {
    case Op::matmul: case Op::conv1d: return detail::matmul_scratch(gemm_of(tape, i));
    case Op::conv2d: return conv2d_scratch(conv2d_of(tape, i));
    case Op::conv2d_input_gradient: return conv2d_input_gradient_scratch(conv2d_of(tape, i));
    case Op::conv2d_weight_gradient: return conv2d_weight_gradient_scratch(conv2d_of(tape, i));
    default: return 0;
  }
}

namespace detail {

/// A tape whose kernels can read all of its parameters.
template <const auto& tape>
inline constexpr auto with_copies = freeze<[] { return with_float_copies(tape.thaw()); }>();
template <const auto& tape> constexpr const auto& readable() {
  if constexpr (has_small_numbers(tape)) return with_copies<tape>;
  else return tape;
}

/// What a routine is made from. `Source` is a stateless callable type that returns a tape with
/// distinct outputs.
template <class Source> struct Planned {
  static constexpr auto source = freeze<Source{}>();
  static constexpr const auto& tape = readable<source>();
  static constexpr auto program = freeze_program<tape, scratch_of>();

  /// The elementwise ops of a step.
  template <std::size_t s> static constexpr auto chain = [] {
    constexpr PlannedStep p = program.steps[s];
    Chain<p.links, p.stores> c{.domain = p.domain, .link = {}, .store = {}};
    if (p.vary != 0) c.lengths = {p.vary, tape.origin.longest};
    for (std::size_t k = 0; k < p.links; ++k) c.link[k] = program.links[p.first_link + k];
    for (std::size_t k = 0; k < p.stores; ++k) c.store[k] = program.stores[p.first_store + k];
    return c;
  }();

  template <std::size_t size> struct Floats {
    alignas(64) float data[size == 0 ? 1 : size] = {};
  };
  template <std::size_t i> static constexpr auto table = [] {
    constexpr std::size_t size = tape.code[i].shape.size();
    Floats<size> result;
    for (std::size_t k = 0; k < size; ++k) {
      result.data[k] = static_cast<float>(tape.code[i].table[k]);
    }
    return result;
  }();
};

}  // namespace detail

}  // namespace etch
