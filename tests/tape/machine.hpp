// SPDX-License-Identifier: BSL-1.0
// Executes a planned program on the memory that it was given, slowly, with every promise checked.
#pragma once

#include <functional>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "etch/tape/interpret.hpp"
#include "etch/tape/plan.hpp"
#include "gradient_check.hpp"

namespace by_hand {

/// Workspace, scratch and outputs start as NaN, so that what is read too early, or was overwritten,
/// shows in the result. `complaint` names a step that writes where it must not.
class Machine {
 public:
  Machine(const etch::Tape& tape, const etch::Program& program, Feed feed)
      : tape_(tape), program_(program), feed_(std::move(feed)) {
    workspace_.assign(program.workspace, poison);
    for (const int output : tape.outputs) {
      outputs_.emplace_back(size_of(tape, tape[output]), poison);
    }
  }

  /// scratch(tape, instruction): floats that the plan has set aside for that step.
  template <class Scratch> std::vector<Numbers> run(Scratch scratch) {
    for (const etch::PlannedStep& step : program_.steps) {
      if (step.heavy >= 0) {
        const std::size_t size = scratch(tape_, tape_[step.heavy]);
        for (std::size_t i = 0; i < size; ++i) workspace_.at(step.scratch + i) = poison;
        check_scratch(step, size);
      }
      check_targets(step);
      accumulator_.clear();
      if (step.heavy >= 0) run_heavy(step);
      if (step.links > 0) run_chain(step);
    }
    return outputs_;
  }

  std::string complaint;

 private:
  static constexpr double poison = std::numeric_limits<double>::quiet_NaN();

  double* address(std::size_t location) {
    const etch::Location at = program_.locations[location];
    switch (at.kind) {
      case etch::Location::Kind::input: return feed_.inputs.at(at.index).data();
      case etch::Location::Kind::parameter: return feed_.parameters.at(at.index).data();
      case etch::Location::Kind::output: return outputs_.at(at.index).data();
      default: return workspace_.data() + at.index;
    }
  }
  double* source(const etch::PlannedStep& s, std::size_t k) {
    return address(s.first_location + s.arguments + k);
  }
  double* target(const etch::PlannedStep& s, std::size_t k) {
    return address(s.first_location + s.arguments + s.sources + k);
  }

  std::size_t target_size(const etch::PlannedStep& s) const {
    return s.links > 0 ? s.domain.size() : size_of(tape_, tape_[s.heavy]);
  }

  static bool apart(const double* a, std::size_t n, const double* b, std::size_t m) {
    return std::less_equal<>{}(a + n, b) || std::less_equal<>{}(b + m, a);
  }

  void check_scratch(const etch::PlannedStep& s, std::size_t size) {
    const double* scratch = workspace_.data() + s.scratch;
    for (std::size_t t = 0; t < s.targets; ++t) {
      if (size > 0 && !apart(scratch, size, target(s, t), target_size(s))) {
        complaint = "a target lies in scratch memory";
      }
    }
  }

  /// A target lies apart from what the step reads, unless it is read at the very same positions.
  void check_targets(const etch::PlannedStep& s) {
    const std::size_t n = target_size(s);
    for (std::size_t t = 0; t < s.targets; ++t) {
      const double* y = target(s, t);
      for (std::size_t k = 0; k < s.arguments; ++k) {
        const int i = tape_[s.heavy].args[k];
        if (!apart(y, n, address(s.first_location + k), size_of(tape_, tape_[i]))) {
          complaint = "a target lies on an argument";
        }
      }
      for (std::size_t k = 0; k < s.links; ++k) {
        const etch::Link& link = program_.links[s.first_link + k];
        if (link.op != etch::Op::input) continue;
        const double* x = source(s, static_cast<std::size_t>(link.buffer));
        const bool in_place = x == y && link.access == etch::contiguous(s.domain);
        const std::size_t reach = last_position(link.access, s.domain) + 1;
        if (!in_place && !apart(y, n, x, reach)) complaint = "a target lies on a source";
      }
      for (std::size_t u = 0; u < t; ++u) {
        if (!apart(y, n, target(s, u), n)) complaint = "two targets lie on each other";
      }
    }
  }

  static std::size_t last_position(const etch::Access& access, const etch::Dims& domain) {
    std::size_t at = access.offset;
    for (std::size_t k = 0; k < domain.rank; ++k) at += (domain[k] - 1) * access.stride[k];
    return at;
  }

  void run_heavy(const etch::PlannedStep& s) {
    const etch::Instruction& code = tape_[s.heavy];
    etch::rule::Step<double> step{.code = code, .args = {}};
    for (std::size_t k = 0; k < s.arguments; ++k) {
      const etch::Instruction& arg = tape_[code.args[k]];
      step.args[k] = {address(s.first_location + k), arg.batched ? arg.shape.size() : 0, arg.shape};
    }
    accumulator_.assign(size_of(tape_, code), poison);
    step.data = s.links > 0 ? accumulator_.data() : target(s, 0);
    step.stride = code.batched ? code.shape.size() : 0;
    step.samples = code.batched || code.attr.over_batch ? tape_.batch : 1;
    etch::rule::execute(step);
  }

  static double apply(etch::Op op, const double (&x)[3]) {
    etch::Instruction code;
    code.op = op;
    double y = poison;
    etch::rule::Step<double> step{.code = code, .args = {}, .data = &y};
    for (std::size_t k = 0; k < 3; ++k) step.args[k] = {x + k, 0, {}};
    etch::rule::execute(step);
    return y;
  }

  void run_chain(const etch::PlannedStep& s) {
    std::size_t index[etch::max_rank] = {};
    for (std::size_t n = 0; n < s.domain.size(); ++n) {
      Numbers values;
      for (std::size_t k = 0; k < s.links; ++k) {
        values.push_back(value(s, program_.links[s.first_link + k], values, index, n));
      }
      for (std::size_t k = 0; k < s.stores; ++k) {
        const etch::Store& store = program_.stores[s.first_store + k];
        target(s, static_cast<std::size_t>(store.buffer))[n] =
            values.at(static_cast<std::size_t>(store.value));
      }
      for (std::size_t k = s.domain.rank; k-- > 0;) {
        if (++index[k] < s.domain[k]) break;
        index[k] = 0;
      }
    }
  }

  double value(const etch::PlannedStep& s, const etch::Link& link, const Numbers& values,
               const std::size_t* index, std::size_t position) {
    switch (link.op) {
      case etch::Op::parameter: return accumulator_.at(position);
      case etch::Op::constant: return link.value;
      case etch::Op::iota: return static_cast<double>(index[link.buffer]);
      case etch::Op::input: {
        std::size_t at = link.access.offset;
        for (std::size_t k = 0; k < s.domain.rank; ++k) at += index[k] * link.access.stride[k];
        return source(s, static_cast<std::size_t>(link.buffer))[at];
      }
      default: break;
    }
    double x[3] = {};
    for (std::size_t k = 0; k < 3; ++k) {
      if (link.args[k] >= 0) x[k] = values.at(static_cast<std::size_t>(link.args[k]));
    }
    return apply(link.op, x);
  }

  const etch::Tape& tape_;
  const etch::Program& program_;
  Feed feed_;
  Numbers workspace_, accumulator_;
  std::vector<Numbers> outputs_;
};

}  // namespace by_hand
