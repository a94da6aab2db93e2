// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/tape/fuse.hpp"

// The domain of a step of elementwise ops, with as few and as long axes as can be.

namespace etch::detail {

/// A movement op or a leaf that is a step of its own is copied: it reads itself through its view.
constexpr bool is_copy(const Tape& tape, int i) {
  return info(tape[i].op).kind != OpKind::elementwise;
}
constexpr int argument_count(const Tape& tape, int i) {
  return is_copy(tape, i) ? 1 : static_cast<int>(info(tape[i].op).arity);
}
constexpr int argument(const Tape& tape, int i, int k) {
  return is_copy(tape, i) ? i : tape[i].args[static_cast<std::size_t>(k)];
}

struct StepDomain {
  Dims shape{};
  std::size_t vary = 0;  ///< axes that go by the length of a run
};

/// Whether all members of a step go through two neighbouring axes, of which the inner one has that
/// extent, as through one.
constexpr bool mergeable(const Tape& tape, Views& views, const Step& step, std::size_t outer,
                         std::size_t inner, std::size_t extent) {
  for (const int i : step.chain) {
    // Members may differ in axes of extent one; then positions do not correspond, so do not merge.
    if (tape[i].shape != tape[step.chain[0]].shape) return false;
    for (int k = 0; k < argument_count(tape, i); ++k) {
      const View& view = views(argument(tape, i, k));
      if (tape[view.base].op == Op::constant) continue;
      const DomainAccess access = domain_access(tape, view);
      if (access.stride[outer] != access.stride[inner] * extent) return false;
    }
  }
  return true;
}

/// Of what lies in memory after a step all must be there, but for axes that vary in all of it. Axes
/// of extent one, in which members may differ, do not count.
constexpr std::size_t stored_axes_that_vary(const Tape& tape, const Schedule& schedule,
                                            const Step& step) {
  if (tape.origin.longest == 0) return 0;
  std::size_t all = ~std::size_t{0};
  for (const int i : step.chain) {
    if (schedule.stored[static_cast<std::size_t>(i)] == 0) continue;
    const Dims& shape = tape[i].shape;
    std::size_t vary = 0, seen = 0;
    for (std::size_t k = 0; k < shape.rank; ++k) {
      if (shape[k] != 1) vary |= std::size_t{tape[i].varies >> k & 1u} << seen++;
    }
    all &= vary;
  }
  return all;
}

/// Neighbouring axes are merged wherever every access allows it; one that varies can only be the
/// slow end of a merged one.
constexpr StepDomain step_domain(const Tape& tape, Views& views, const Schedule& schedule,
                                 const Step& step) {
  const Domain full = domain_of(tape, tape[step.chain[0]]);
  const std::size_t vary = stored_axes_that_vary(tape, schedule, step);
  StepDomain domain;
  Dims& merged = domain.shape;
  std::size_t last = 0;  // axis of `full` that was added last
  std::size_t seen = 0;  // axes of a sample with more than one element
  for (std::size_t k = 0; k < full.rank; ++k) {
    if (full.extent[k] == 1) continue;
    const bool varies = k > 0 && (vary >> seen & 1) != 0;
    if (k > 0) ++seen;
    if (merged.rank > 0 && !varies && mergeable(tape, views, step, last, k, full.extent[k])) {
      merged.extent[merged.rank - 1] *= full.extent[k];
    } else {
      if (varies) domain.vary |= std::size_t{1} << merged.rank;
      merged.push(full.extent[k]);
    }
    last = k;
  }
  return domain;
}

}  // namespace etch::detail
