// SPDX-License-Identifier: BSL-1.0
// Gradients against central differences: one driver for single ops, formulas and gradients alike.
#pragma once

#include <cstddef>
#include <vector>

#include "by_hand.hpp"
#include "etch/tape/gradient.hpp"
#include "etch/tape/interpret.hpp"

namespace by_hand {

/// What a tape is run on. Inputs of a sample lie one after the other.
struct Feed {
  std::vector<Numbers> inputs, parameters;
};

constexpr std::size_t size_of(const etch::Tape& tape, const etch::Instruction& i) {
  return i.shape.size() * (i.batched ? tape.batch : 1);
}

/// Numbers without a pattern between `low` and `high` for every leaf.
inline Feed feed_for(const etch::Tape& tape, double low = -1, double high = 1) {
  Feed feed;
  unsigned seed = 1;
  for (const etch::Instruction& i : tape.code) {
    if (i.op != etch::Op::input && i.op != etch::Op::parameter) continue;
    auto& rows = i.op == etch::Op::input ? feed.inputs : feed.parameters;
    if (rows.size() <= i.attr.index) rows.resize(i.attr.index + 1);
    Numbers values = scattered(size_of(tape, i), ++seed);
    for (double& v : values) v = low + (high - low) * (v + 1) / 2;
    rows[i.attr.index] = values;
  }
  return feed;
}

inline std::vector<Numbers> run(const etch::Tape& tape, const Feed& feed) {
  return etch::interpret<double>(tape, feed.inputs, feed.parameters);
}

/// The inputs, then the parameters of a tape, as instruction numbers.
inline std::vector<int> all_leaves(const etch::Tape& tape) {
  std::vector<int> result = etch::leaves(tape, etch::Op::input);
  for (const int p : etch::leaves(tape, etch::Op::parameter)) result.push_back(p);
  return result;
}

/// The tape that computes the gradient of the sum over outputs of <seed, output>, the seeds being
/// further inputs, for every leaf. Shared seeds are the same for all samples.
inline etch::Tape gradient_tape(etch::Tape tape, bool shared_seeds = false) {
  const std::vector<int> wanted = all_leaves(tape);
  std::size_t index = etch::leaves(tape, etch::Op::input).size();
  std::vector<int> seeds;
  for (const int output : tape.outputs) {
    const etch::Instruction y = tape[output];
    seeds.push_back(push_leaf(tape, etch::Op::input, index++, y.shape, y.batched && !shared_seeds));
  }
  tape.outputs = etch::differentiate(tape, tape.outputs, seeds, wanted);
  return tape;
}

/// Sum over outputs and samples of <seed, output>; a shared seed or output meets every sample.
inline double seeded(const etch::Tape& tape, const Feed& feed, std::size_t first_seed) {
  const std::vector<Numbers> outputs = run(tape, feed);
  double total = 0;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const Numbers& seed = feed.inputs[first_seed + k];
    for (std::size_t i = 0; i < outputs[k].size(); ++i) {
      total += outputs[k][i] * seed[i % seed.size()];
    }
  }
  return total;
}

/// The largest deviation of a gradient from the central difference, relative where it is large.
/// Values are between `low` and `high`, and so are the seeds.
inline double gradient_error(const etch::Tape& tape, double low = -1, double high = 1,
                             bool shared_seeds = false) {
  const etch::Tape gradients = gradient_tape(tape, shared_seeds);
  Feed feed = feed_for(gradients, low, high);
  const std::vector<Numbers> got = run(gradients, feed);
  const std::vector<int> leaves = all_leaves(tape);
  const std::size_t inputs = etch::leaves(tape, etch::Op::input).size();
  double worst = got.size() == leaves.size() ? 0 : 1e9;
  for (std::size_t k = 0; k < got.size(); ++k) {
    Numbers& x = k < inputs ? feed.inputs[k] : feed.parameters[k - inputs];
    // A gradient that is the same for all samples exists once.
    if (got[k].size() != x.size() && got[k].size() * tape.batch != x.size()) worst = 1e9;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double at = x[i], step = 1e-5;
      x[i] = at + step;
      const double above = seeded(tape, feed, inputs);
      x[i] = at - step;
      const double below = seeded(tape, feed, inputs);
      x[i] = at;
      const double want = (above - below) / (2 * step);
      const double size = want < 0 ? -want : want;
      double error = (got[k][i % got[k].size()] - want) / (size > 1 ? size : 1);
      if (error < 0) error = -error;
      if (!(error <= worst)) worst = error;  // a NaN counts
    }
  }
  return worst;
}

}  // namespace by_hand
