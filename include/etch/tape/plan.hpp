// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "etch/tape/fuse.hpp"
#include "etch/tape/layout.hpp"
#include "etch/tape/step_domain.hpp"

// From a schedule to a program: which buffer each step reads and writes, and where it lies.

namespace etch {

/// Where a tensor lies at run time: in the index-th input, parameter or output, in the table of an
/// instruction, or in the workspace at an offset in floats.
struct Location {
  enum class Kind : unsigned char { input, parameter, table, output, workspace } kind =
      Kind::workspace;
  std::size_t index = 0;

  constexpr bool operator==(const Location&) const = default;
};

/// A step with everything it needs: ranges point into the arrays of the program.
struct PlannedStep {
  int heavy = -1;
  Dims domain{};
  std::size_t vary = 0;  ///< axes of the domain that go by the length of a run (see Lengths)
  std::size_t first_link = 0, links = 0;
  std::size_t first_store = 0, stores = 0;
  std::size_t first_location = 0;  ///< arguments of the heavy op, sources, targets, in this order
  std::size_t arguments = 0, sources = 0, targets = 0;
  std::size_t scratch = 0;  ///< offset in the workspace
};

struct Program {
  std::vector<PlannedStep> steps;
  std::vector<Link> links;
  std::vector<Store> stores;
  std::vector<Location> locations;
  std::size_t workspace = 0;  ///< floats
};

namespace detail {

class Planner {
 public:
  constexpr Planner(const Tape& tape, Views& views)
      : tape_(tape),
        views_(views),
        schedule_(Fuser(tape, views).run()),
        place_(tape.size(), Location{}),
        life_(tape.size(), -1),
        link_of_(tape.size(), -1) {}

  /// scratch(instruction): floats of working memory that its kernel wants.
  template <class Scratch> constexpr Program run(Scratch scratch) {
    reserve();
    for (std::size_t s = 0; s < schedule_.steps.size(); ++s) write_step(s);
    find_lifetimes();
    std::vector<std::size_t> scratch_life;
    for (std::size_t s = 0; s < schedule_.steps.size(); ++s) {
      const int heavy = schedule_.steps[s].heavy;
      scratch_life.push_back(lives_.size());
      lives_.push_back({.floats = heavy < 0 ? 0 : scratch(tape_, tape_[heavy]),
                        .first = s,
                        .last = s});
    }
    const Layout layout = lay_out(lives_);
    locate(layout);
    for (std::size_t s = 0; s < program_.steps.size(); ++s) {
      program_.steps[s].scratch = layout.offsets[scratch_life[s]];
    }
    program_.workspace = layout.floats;
    return std::move(program_);
  }

 private:
  /// One step's chain, with sources and targets as instruction numbers for now.
  struct Buffers {
    std::vector<int> sources, targets;
  };

  /// What usually suffices: vectors that grow cost compilers more than all that is done with them.
  constexpr void reserve() {
    const std::size_t steps = schedule_.steps.size();
    program_.steps.reserve(steps);
    program_.links.reserve(tape_.size() + steps);
    program_.stores.reserve(tape_.size());
    uses_.reserve(tape_.size() + steps);
    lives_.reserve(tape_.size() + steps);
  }

  constexpr std::size_t samples(int i) const { return tape_[i].batched ? tape_.batch : 1; }

  constexpr void write_step(std::size_t s) {
    const Step& step = schedule_.steps[s];
    PlannedStep planned{.heavy = step.heavy};
    planned.first_link = program_.links.size();
    planned.first_store = program_.stores.size();
    Buffers buffers;
    const bool carries = step.heavy >= 0 && carried_domain(tape_, tape_[step.heavy]).rank != 0;
    if (step.heavy < 0 || carries) {
      if (carries) {
        planned.domain = carried_domain(tape_, tape_[step.heavy]);
        planned.vary = carried_lengths(tape_, tape_[step.heavy]);
      } else {
        const StepDomain domain = step_domain(tape_, views_, schedule_, step);
        planned.domain = domain.shape;
        planned.vary = domain.vary;
      }
      write_chain(step, planned, buffers);
    } else {
      buffers.targets.push_back(step.heavy);
    }
    planned.links = program_.links.size() - planned.first_link;
    planned.stores = program_.stores.size() - planned.first_store;
    if (step.heavy >= 0) {
      for (const int arg : tape_[step.heavy].args) {
        if (arg < 0) continue;
        uses_.push_back(storage_of(tape_, arg));
        ++planned.arguments;
      }
    }
    for (const int source : buffers.sources) uses_.push_back(source);
    for (const int target : buffers.targets) uses_.push_back(target);
    planned.sources = buffers.sources.size();
    planned.targets = buffers.targets.size();
    planned.first_location = uses_.size() - planned.arguments - planned.sources - planned.targets;
    program_.steps.push_back(planned);
  }

  constexpr void write_chain(const Step& step, PlannedStep& planned, Buffers& buffers) {
    const auto at = [&](int i) -> int& { return link_of_[static_cast<std::size_t>(i)]; };
    const auto next = [&] {
      return static_cast<int>(program_.links.size() - planned.first_link);
    };
    if (step.heavy >= 0) {
      at(step.heavy) = 0;
      const auto parts = static_cast<int>(tape_[step.heavy].op == Op::matmul
                                              ? gemm_of(tape_, tape_[step.heavy]).parts
                                              : 1);
      for (int part = 0; part < parts; ++part) {
        program_.links.push_back({.op = Op::parameter, .buffer = part});
      }
    }
    for (const int i : step.chain) {
      Link link{.op = tape_[i].op};
      for (int k = 0; k < argument_count(tape_, i); ++k) {
        const View& view = views_(argument(tape_, i, k));
        int& known = at(view.base);
        link.args[static_cast<std::size_t>(k)] =
            known >= 0 ? known + static_cast<int>(part_of(tape_, view))
                       : leaf(i, view, planned, buffers);
      }
      if (link.op == Op::random) count_places(i, planned, link);
      if (is_copy(tape_, i)) {
        at(i) = link.args[0];
      } else {
        at(i) = next();
        program_.links.push_back(link);
      }
    }
    const auto finish = [&](int i) {
      const int link = std::exchange(at(i), -1);
      if (schedule_.stored[static_cast<std::size_t>(i)] == 0) return;
      program_.stores.push_back(
          {.value = link, .buffer = static_cast<int>(buffers.targets.size())});
      buffers.targets.push_back(i);
    };
    if (step.heavy >= 0) finish(step.heavy);
    for (const int i : step.chain) finish(i);
  }

  constexpr void count_places(int i, const PlannedStep& planned, Link& link) const {
    const Instruction& instruction = tape_[i];
    const Domain domain = domain_of(tape_, instruction);
    const DomainAccess own =
        domain_access(tape_, {.base = i, .access = contiguous(instruction.shape)});
    link.access = merge_onto(domain, own, planned.domain).access;
    link.buffer = static_cast<int>(instruction.attr.index);
  }

  /// A link that brings a value from outside into the chain; equal ones are shared.
  constexpr int leaf(int reader, const View& view, const PlannedStep& planned, Buffers& buffers) {
    const Instruction& base = tape_[view.base];
    Link link{.op = Op::input};
    if (base.op == Op::constant) {
      link.op = Op::constant;
      link.value = base.value;
    } else {
      link.access = merge_onto(domain_of(tape_, tape_[reader]), domain_access(tape_, view),
                               planned.domain).access;
      if (base.op == Op::iota && counts_positions(view)) {
        for (std::size_t k = 0; k < planned.domain.rank; ++k) {
          if (link.access.stride[k] != 0) link.buffer = static_cast<int>(k);
        }
        link.op = link.buffer < 0 ? Op::constant : Op::iota;  // the only number of it is 0
        link.access = {};
      } else {
        const int storage = storage_of(tape_, view.base);
        link.buffer = source(storage, buffers);
        link.type = number_type_of(tape_, storage);
      }
    }
    for (std::size_t k = planned.first_link; k < program_.links.size(); ++k) {
      if (program_.links[k] == link) return static_cast<int>(k - planned.first_link);
    }
    program_.links.push_back(link);
    return static_cast<int>(program_.links.size() - planned.first_link) - 1;
  }

  static constexpr int source(int storage, Buffers& buffers) {
    for (std::size_t k = 0; k < buffers.sources.size(); ++k) {
      if (buffers.sources[k] == storage) return static_cast<int>(k);
    }
    buffers.sources.push_back(storage);
    return static_cast<int>(buffers.sources.size()) - 1;
  }

  /// Sources and targets that are neither inputs, parameters nor outputs live in the workspace.
  constexpr void find_lifetimes() {
    for (std::size_t i = 0; i < tape_.size(); ++i) {
      const Instruction& instruction = tape_.code[i];
      if (instruction.op == Op::input) place_[i] = {Location::Kind::input, instruction.attr.index};
      if (instruction.op == Op::table) place_[i] = {Location::Kind::table, i};
      if (instruction.op == Op::append) {
        place_[i] = place_[static_cast<std::size_t>(instruction.args[0])];
      }
      if (instruction.op == Op::parameter) {
        place_[i] = {Location::Kind::parameter, instruction.attr.index};
      }
    }
    for (std::size_t k = 0; k < tape_.outputs.size(); ++k) {
      const auto storage = static_cast<std::size_t>(storage_of(tape_, tape_.outputs[k]));
      place_[storage] = {Location::Kind::output, k};
    }
    for (std::size_t s = 0; s < program_.steps.size(); ++s) {
      const PlannedStep& step = program_.steps[s];
      const std::size_t reads = step.arguments + step.sources;
      for (std::size_t k = 0; k < reads + step.targets; ++k) {
        touch(uses_[step.first_location + k], s);
      }
    }
    for (std::size_t s = 0; s < program_.steps.size(); ++s) reuse_in_place(s);
  }

  constexpr void touch(int i, std::size_t s) {
    const auto at = static_cast<std::size_t>(i);
    if (place_[at].kind != Location::Kind::workspace) return;
    if (life_[at] < 0) {
      life_[at] = static_cast<int>(lives_.size());
      lives_.push_back({.floats = samples(i) * tape_[i].shape.size(), .first = s, .last = s});
    }
    lives_[static_cast<std::size_t>(life_[at])].last = s;
  }

  /// A chain may write where it has read for the last time, if it does both at the same position.
  constexpr void reuse_in_place(std::size_t s) {
    const PlannedStep& step = program_.steps[s];
    if (step.links == 0) return;
    const std::size_t first_source = step.first_location + step.arguments;
    Table<char> taken(step.sources, 0);
    for (std::size_t t = 0; t < step.targets; ++t) {
      const int target = life_of(uses_[first_source + step.sources + t]);
      if (target < 0) continue;
      for (std::size_t k = 0; k < step.sources; ++k) {
        const int source = life_of(uses_[first_source + k]);
        if (source < 0 || taken[k] != 0 || !ends_here(source, target, s)) continue;
        if (is_argument(step, uses_[first_source + k]) || !read_in_place(step, k)) continue;
        lives_[static_cast<std::size_t>(target)].shares = source;
        taken[k] = 1;
        break;
      }
    }
  }

  constexpr int life_of(int i) const { return life_[static_cast<std::size_t>(i)]; }

  constexpr bool ends_here(int source, int target, std::size_t s) const {
    const Lifetime& a = lives_[static_cast<std::size_t>(source)];
    const Lifetime& b = lives_[static_cast<std::size_t>(target)];
    return a.last == s && a.first < s && b.first == s && a.floats == b.floats;
  }

  constexpr bool is_argument(const PlannedStep& step, int i) const {
    for (std::size_t k = 0; k < step.arguments; ++k) {
      if (uses_[step.first_location + k] == i) return true;
    }
    return false;
  }

  constexpr bool read_in_place(const PlannedStep& step, std::size_t source) const {
    const Access same = contiguous(step.domain);
    for (std::size_t k = 0; k < step.links; ++k) {
      const Link& link = program_.links[step.first_link + k];
      if (link.op != Op::input || link.buffer != static_cast<int>(source)) continue;
      if (!(link.access == same)) return false;
    }
    return true;
  }

  constexpr void locate(const Layout& layout) {
    program_.locations.reserve(uses_.size());
    for (const int i : uses_) {
      Location location = place_[static_cast<std::size_t>(i)];
      if (location.kind == Location::Kind::workspace) {
        location.index = layout.offsets[static_cast<std::size_t>(life_of(i))];
      }
      program_.locations.push_back(location);
    }
  }

  const Tape& tape_;
  Views& views_;
  Schedule schedule_;
  Table<Location> place_;  // by instruction
  Table<int> life_;        // by instruction
  Table<int> link_of_;     // by instruction: its link in the chain that is being written, or -1
  Program program_ = {};
  std::vector<int> uses_ = {};  // by location: the instruction that is stored there
  std::vector<Lifetime> lives_ = {};
};

}  // namespace detail

/// The program of a tape whose outputs are distinct (see with_distinct_outputs).
template <class Scratch> constexpr Program plan(const Tape& tape, Scratch scratch) {
  detail::Views views(tape);
  return detail::Planner(tape, views).run(scratch);
}

}  // namespace etch
