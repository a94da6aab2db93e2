// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "etch/tape/describe.hpp"
#include "etch/tape/view.hpp"

// Groups instructions into steps: one heavy op with the elementwise ops that can run while its
// result is still in registers, or a run of elementwise ops over one domain.

namespace etch {

/// One kernel call.
struct Step {
  int heavy = -1;             ///< the instruction with a kernel of its own; -1: elementwise only
  std::vector<int> chain = {};  ///< elementwise instructions, in order
};

struct Schedule {
  std::vector<Step> steps;
  detail::Table<int> step_of;  ///< by instruction; -1 for leaves and movement that need no step
  detail::Table<char> stored;  ///< by instruction: its value lies in memory after its step
};

namespace detail {

class Fuser {
 public:
  constexpr Fuser(const Tape& tape, Views& views)
      : tape_(tape), views_(views), schedule_{{}, {tape.size(), -1}, {tape.size(), 0}} {}

  constexpr Schedule run() {
    schedule_.steps.reserve(tape_.size());
    for (std::size_t i = 0; i < tape_.size(); ++i) place(static_cast<int>(i));
    for (const int output : tape_.outputs) materialise(output);
    for (std::size_t i = 0; i < tape_.size(); ++i) store_arguments(static_cast<int>(i));
    drop_empty_steps();
    return std::move(schedule_);
  }

 private:
  constexpr int& step_of(int i) { return schedule_.step_of[static_cast<std::size_t>(i)]; }
  constexpr char& stored(int i) { return schedule_.stored[static_cast<std::size_t>(i)]; }
  constexpr Step& step(int s) { return schedule_.steps[static_cast<std::size_t>(s)]; }

  constexpr void new_step(int i, bool heavy) {
    step_of(i) = static_cast<int>(schedule_.steps.size());
    if (heavy) schedule_.steps.push_back({.heavy = i});
    else schedule_.steps.push_back({.heavy = -1, .chain = {i}});
  }

  constexpr void place(int i) {
    const Instruction& instruction = tape_[i];
    switch (info(instruction.op).kind) {
      case OpKind::leaf: break;
      case OpKind::movement:
        // A reshape that regroups axes is free, but of something that lies in memory.
        if (!can_look_through(tape_, instruction)) materialise(instruction.args[0]);
        break;
      case OpKind::heavy:
        for (const int arg : instruction.args) {
          if (arg >= 0) materialise(arg);
        }
        new_step(i, true);
        break;
      case OpKind::elementwise: {
        prepare_sources(instruction);
        const int target = step_to_join(instruction);
        if (target < 0) {
          new_step(i, false);
        } else {
          if (step(target).heavy >= 0) bring_along(instruction, target);
          join(i, target);
        }
      }
    }
  }

  constexpr void join(int i, int s) {
    step(s).chain.push_back(i);
    step_of(i) = s;
  }

  /// What an instruction that joins a heavy op's chain reads of elementwise steps is computed there
  /// too, if it is made of leaves and nobody else wants it: a trip through memory less.
  constexpr void bring_along(const Instruction& instruction, int target) {
    for (const int arg : instruction.args) {
      if (arg < 0) continue;
      const View& view = views_(arg);
      if (step_of(view.base) < 0 || step_of(view.base) == target) continue;
      if (!in_place(instruction, view)) continue;
      std::vector<int> group;
      if (can_bring(view.base, target, group) && only_for(instruction, group)) {
        for (const int member : group) {
          std::erase(step(step_of(member)).chain, member);
          join(member, target);
        }
      }
    }
  }

  static constexpr bool is_of_parts(const Instruction& i) {
    return i.op == Op::matmul && i.attr.groups != 0;
  }
  constexpr bool has_parts(int s) {
    return step(s).heavy >= 0 && is_of_parts(tape_[step(s).heavy]);
  }

  /// Whether all that an instruction reads of steps behind a heavy one can be computed in that. Of
  /// a product of parts nothing is stored, so all that reads it has to come to it.
  constexpr bool can_bring_rest(const Instruction& instruction, int heavy) {
    if (!carries(tape_[step(heavy).heavy], instruction, heavy)) return false;
    for (const int arg : instruction.args) {
      if (arg < 0) continue;
      const View& view = views_(arg);
      if (step_of(view.base) <= heavy) continue;
      std::vector<int> group;
      const bool able = in_place(instruction, view) && can_bring(view.base, heavy, group) &&
                        only_for(instruction, group);
      if (!able) return false;
    }
    return true;
  }

  /// Collects a value and what it is made of, arguments first.
  constexpr bool can_bring(int i, int target, std::vector<int>& group) {
    const Instruction& instruction = tape_[i];
    if (info(instruction.op).kind != OpKind::elementwise || stored(i) != 0) return false;
    if (!carries(tape_[step(target).heavy], instruction, target)) return false;
    for (const int arg : instruction.args) {
      if (arg < 0) continue;
      const View& view = views_(arg);
      const OpKind kind = info(tape_[view.base].op).kind;
      if (kind == OpKind::leaf || std::ranges::find(group, view.base) != group.end()) continue;
      if (kind != OpKind::elementwise || !in_place(instruction, view)) return false;
      if (!can_bring(view.base, target, group)) return false;
    }
    group.push_back(i);
    return true;
  }

  /// Whether nobody but the instruction reads the members, and they each other.
  constexpr bool only_for(const Instruction& instruction, const std::vector<int>& group) const {
    Table<char> member(tape_.size(), 0);
    for (const int i : group) member[static_cast<std::size_t>(i)] = 1;
    const auto within = [&](int i) { return member[static_cast<std::size_t>(i)] != 0; };
    for (const int output : tape_.outputs) {
      if (within(views_(output).base)) return false;
    }
    for (std::size_t i = 0; i < tape_.size(); ++i) {
      const Instruction& reader = tape_.code[i];
      if (&reader == &instruction || member[i] != 0) continue;
      if (info(reader.op).kind == OpKind::movement) continue;  // its own readers count
      for (const int arg : reader.args) {
        if (arg >= 0 && within(views_(arg).base)) return false;
      }
    }
    return true;
  }

  constexpr void drop_empty_steps() {
    bool empty = false;
    for (const Step& s : schedule_.steps) empty = empty || (s.heavy < 0 && s.chain.empty());
    if (!empty) return;
    std::vector<int> place;
    std::vector<Step> steps;
    for (Step& s : schedule_.steps) {
      place.push_back(static_cast<int>(steps.size()));
      if (s.heavy >= 0 || !s.chain.empty()) steps.push_back(std::move(s));
    }
    schedule_.steps = std::move(steps);
    for (std::size_t i = 0; i < tape_.size(); ++i) {
      int& s = schedule_.step_of[i];
      if (s >= 0) s = place[static_cast<std::size_t>(s)];
    }
  }

  /// Gives a value a place in memory: what it is stored in gets a step, if only to copy it there.
  constexpr void materialise(int value) {
    const int i = storage_of(tape_, value);
    const Op op = tape_[i].op;
    if (op == Op::input || op == Op::parameter || op == Op::table) return;
    if (step_of(i) < 0) {
      prepare_sources(tape_[i]);
      const int source = step_of_copied(i);
      if (source < 0) new_step(i, false);
      else join(i, source);
    }
    stored(i) = 1;
  }

  /// The step that computes what a copy is of, at the same position: it can store it twice.
  constexpr int step_of_copied(int i) const {
    const View& view = views_(i);
    if (view.base == i || !in_place(tape_[i], view)) return -1;
    const int s = schedule_.step_of[static_cast<std::size_t>(view.base)];
    if (s < 0) return -1;
    const Step& source = schedule_.steps[static_cast<std::size_t>(s)];
    if (source.heavy < 0) return s;
    return carried_domain(tape_, tape_[source.heavy]).rank != 0 ? s : -1;
  }

  /// What a chain cannot read as it stands (an iota from 1 on, or in steps of 2) is copied first.
  constexpr void prepare_sources(const Instruction& instruction) {
    for (const int arg : instruction.args) {
      if (arg < 0) continue;
      const View& view = views_(arg);
      if (tape_[view.base].op == Op::iota && !counts_positions(view)) materialise(view.base);
      if (only_renames(tape_[view.base].op)) materialise(view.base);
    }
  }

  constexpr bool same_domain(const Instruction& a, const Instruction& b) const {
    const bool same_batch = a.batched == b.batched || tape_.batch == 1;
    return same_batch && squeezed(a.shape) == squeezed(b.shape);
  }

  /// Whether the value is what `view.base` computes, at the same position.
  constexpr bool in_place(const Instruction& instruction, const View& view) const {
    const Instruction& base = tape_[view.base];
    if (is_of_parts(base)) return true;  // a slice of it
    if (!same_domain(instruction, base) || only_renames(base.op)) return false;
    const DomainAccess access = domain_access(tape_, view);
    const Domain domain = domain_of(tape_, instruction);
    std::size_t stride = 1;
    for (std::size_t k = domain.rank; k-- > 0;) {
      if (domain.extent[k] == 1) continue;
      if (access.stride[k] != stride) return false;
      stride *= domain.extent[k];
    }
    return access.offset == 0;
  }

  /// The latest step that computes an argument, if this instruction can run in it: everything else
  /// it reads must be finished before.
  constexpr int step_to_join(const Instruction& instruction) {
    int joinable = -1, finished = -1, gates = -1;
    for (const int arg : instruction.args) {
      if (arg < 0) continue;
      const View& view = views_(arg);
      const int s = step_of(storage_of(tape_, view.base));
      int& latest = in_place(instruction, view) ? joinable : finished;
      latest = s > latest ? s : latest;
      if (s >= 0 && has_parts(s)) gates = std::max(gates, s);
    }
    if (joinable <= finished) return open_step(instruction, finished);
    if (gates > finished && gates < joinable && can_bring_rest(instruction, gates)) return gates;
    const Step& target = step(joinable);
    if (target.heavy < 0) return joinable;
    return carries(tape_[target.heavy], instruction, joinable) ? joinable : -1;
  }

  /// The latest elementwise step over the same domain that starts after everything is finished: two
  /// chains side by side read common sources once.
  constexpr int open_step(const Instruction& instruction, int finished) const {
    for (int s = static_cast<int>(schedule_.steps.size()) - 1; s > finished; --s) {
      const Step& candidate = schedule_.steps[static_cast<std::size_t>(s)];
      if (candidate.heavy >= 0 || candidate.chain.empty()) continue;
      if (same_domain(instruction, tape_[candidate.chain[0]])) return s;
    }
    return -1;
  }

  /// Whether a heavy op can carry an instruction: it offers a domain, and whatever else the
  /// instruction reads can be addressed over that domain.
  constexpr bool carries(const Instruction& heavy, const Instruction& instruction, int s) {
    const Dims domain = carried_domain(tape_, heavy);
    if (domain.rank == 0) return false;
    for (const int arg : instruction.args) {
      if (arg < 0) continue;
      const View& view = views_(arg);
      const Op op = tape_[view.base].op;
      if (op == Op::constant || step_of(view.base) == s) continue;
      const MergedAccess access = merge_onto(domain_of(tape_, instruction),
                                             domain_access(tape_, view), domain);
      if (!access.ok) return false;
    }
    return true;
  }

  /// A value read by another step than its own has to be in memory.
  constexpr void store_arguments(int i) {
    const int s = step_of(i);
    if (s < 0) return;
    const bool heavy = info(tape_[i].op).kind == OpKind::heavy;
    const bool copy = info(tape_[i].op).kind == OpKind::movement;
    if (heavy && carried_domain(tape_, tape_[i]).rank == 0) stored(i) = 1;
    if (copy) {
      const int base = storage_of(tape_, views_(i).base);
      if (step_of(base) != s) stored(base) = 1;
      return;
    }
    for (const int arg : tape_[i].args) {
      if (arg < 0) continue;
      const int base = storage_of(tape_, heavy ? arg : views_(arg).base);
      if (step_of(base) != s || heavy) stored(base) = 1;
    }
  }

  const Tape& tape_;
  Views& views_;
  Schedule schedule_;
};

}  // namespace detail

/// Every value that more than one step needs is stored once, by the step that computes it.
constexpr Schedule fuse(const Tape& tape) {
  detail::Views views(tape);
  return detail::Fuser(tape, views).run();
}

/// Gives every output a place of its own: one that is a leaf, or a second name of another output,
/// becomes a copy.
constexpr Tape with_distinct_outputs(Tape tape) {
  std::vector<int> taken;
  for (int& output : tape.outputs) {
    const int storage = storage_of(tape, output);
    bool copy = info(tape[storage].op).kind == OpKind::leaf;
    for (const int other : taken) copy = copy || other == storage;
    if (copy) {
      const Instruction source = tape[output];
      output = tape.push({.op = source.shape.rank == 0 ? Op::broadcast : Op::slice,
                          .batched = source.batched,
                          .shape = source.shape,
                          .args = {output, -1, -1},
                          .attr = {.step = 1}});
    }
    taken.push_back(storage_of(tape, output));
  }
  return tape;
}

}  // namespace etch
