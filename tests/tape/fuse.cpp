// SPDX-License-Identifier: BSL-1.0
// What runs in one step, what must not, and that every step finds what it reads.
#include <array>
#include <string>
#include <vector>

#include "battery.hpp"
#include "by_hand.hpp"
#include "catch.hpp"
#include "etch/tape/print.hpp"

namespace {

using namespace etch;
using by_hand::dims;
using by_hand::push;
using by_hand::push_leaf;

template <class L, class S> constexpr Schedule schedule_of(std::size_t batch = 2) {
  return fuse(with_vector_layout(tidied(lower<L, S>(batch))));
}

template <class L, class S> constexpr std::size_t steps_of(std::size_t batch = 2) {
  return schedule_of<L, S>(batch).steps.size();
}

struct AddsItself {
  template <Expr X> static constexpr auto formula(X x) {
    return x + matmul(parameter<"w", Shape<3, 3>, Ones>, x);
  }
};
struct SumsItsProduct {
  template <Expr X> static constexpr auto formula(X x) {
    const auto h = call<"", Linear<4>>(x);
    return exp(h - sum(h));
  }
};
struct TurnsItsProduct {
  template <Expr X> static constexpr auto formula(X x) {
    const auto h = matmul(x, parameter<"w", Shape<3, 3>, Ones>);
    return exp(h) + transpose(h);
  }
};
struct Regroups {
  template <Expr X> static constexpr auto formula(X x) {
    return exp(reshape<Shape<6>>(tanh(x)));
  }
};
struct TwoProducts {
  template <Expr X> static constexpr auto formula(X x) {
    return relu(call<"a", Linear<4>>(x) + call<"b", Linear<4>>(x));
  }
};
struct NormalisedChannels {  // a factor that changes from row to row of the product
  template <Expr X> static constexpr auto formula(X x) {
    return conv2d<Window2d{}>(x, parameter<"w", Shape<4, 2, 2, 2>, Ones>) *
           parameter<"scale", Shape<4, 1, 1>, Ones>;
  }
};
struct AddsAPlane {  // the same for all channels: an address over (sample, channel, pixel)
  template <Expr X> static constexpr auto formula(X x) {
    return conv2d<Window2d{}>(x, parameter<"w", Shape<4, 2, 2, 2>, Ones>) +
           parameter<"plane", Shape<3, 3>, Ones>;
  }
};
struct AddsARow {  // pixels are one axis to a convolution, so a row is not addressable over it
  template <Expr X> static constexpr auto formula(X x) {
    return conv2d<Window2d{}>(x, parameter<"w", Shape<4, 2, 2, 2>, Ones>) +
           parameter<"row", Shape<3>, Ones>;
  }
};

}  // namespace

TEST_CASE("bias and activation run in the step of the product") {
  static_assert(steps_of<Sequential<Linear<4>, ReLU>, Shape<3>>() == 1);
  static_assert(steps_of<Sequential<Linear<4>, ReLU>, Shape<5, 3>>() == 1);
  static_assert(steps_of<Sequential<Linear<4>, GELU>, Shape<3>>(1) == 1);
  static_assert(steps_of<Sequential<Conv2d<4, 3, Padding<1>>, ReLU>, Shape<2, 5, 5>>() == 1);
  static_assert(steps_of<Sequential<Conv2d<4, 3>, SiLU, Flatten>, Shape<2, 5, 5>>() == 1);
  static_assert(steps_of<AddsItself, Shape<3>>() == 1, "a skip around the product");
  static_assert(steps_of<NormalisedChannels, Shape<2, 4, 4>>() == 1);
  static_assert(steps_of<AddsAPlane, Shape<2, 4, 4>>() == 1);
}

TEST_CASE("elementwise layers in a row are one step") {
  static_assert(steps_of<Sequential<Tanh, GELU, ELU<>, Sigmoid>, Shape<7>>() == 1);
  static_assert(steps_of<Sequential<Tanh, Flatten>, Shape<2, 3>>() == 1, "Flatten moves nothing");
}

TEST_CASE("what needs a finished value is a step of its own") {
  static_assert(steps_of<Sequential<Linear<4>, Linear<2>>, Shape<3>>() == 2);
  static_assert(steps_of<Sequential<Linear<4>, Softmax<>>, Shape<3>>() == 2);
  static_assert(steps_of<SumsItsProduct, Shape<3>>() == 3, "the product, its sum, the rest");
  static_assert(steps_of<TurnsItsProduct, Shape<3, 3>>() == 2, "read at another position");
  static_assert(steps_of<TwoProducts, Shape<3>>() == 2, "the later product carries the sum");
  static_assert(steps_of<Sequential<MaxPool2d<2>, ReLU>, Shape<2, 4, 4>>() == 2,
                "pooling carries nothing");
  static_assert(steps_of<Regroups, Shape<2, 3>>() == 2, "its axes do not correspond");
  static_assert(steps_of<AddsARow, Shape<2, 4, 4>>() == 2);
}

TEST_CASE("what only its own step reads is not stored") {
  static constexpr auto computed_and_stored = [] {
    const Tape tape = without_common_subexpressions(lower<Sequential<Linear<4>, GELU>, Shape<3>>());
    const Schedule schedule = fuse(tape);
    std::vector<int> found;
    for (std::size_t i = 0; i < tape.size(); ++i) {
      const OpKind kind = info(tape.code[i].op).kind;
      if (kind == OpKind::leaf || schedule.stored[i] == 0) continue;
      found.push_back(static_cast<int>(i));
    }
    return found.size() == 1 && found[0] == storage_of(tape, tape.outputs[0]);
  };
  static_assert(computed_and_stored());
}

namespace {

/// Joins at the end of a tape: another step lies between a value and its reader.
constexpr Tape with_a_late_reader() {
  Tape tape;
  const int x = push_leaf(tape, Op::input, 0, dims({4}), true);
  const int a = push(tape, Op::exp, dims({4}), {x, -1, -1});
  const int s = push(tape, Op::softmax, dims({4}), {a, -1, -1});
  const int late = push(tape, Op::tanh, dims({4}), {a, -1, -1});  // may run in the first step
  const int both = push(tape, Op::add, dims({4}), {late, s, -1});  // may not
  tape.outputs = {both};
  return tape;
}

}  // namespace

TEST_CASE("an instruction joins the latest step that it reads, and none before") {
  static constexpr auto steps = [] {
    const Schedule s = fuse(with_a_late_reader());
    return std::array{s.step_of[1], s.step_of[2], s.step_of[3], s.step_of[4]};
  }();
  static_assert(steps == std::array{0, 1, 0, 2});
}

namespace {

/// The first instruction that reads something which is not there, as text; empty if all is well.
class Checker {
 public:
  explicit Checker(const Tape& tape) : tape_(tape), schedule_(fuse(tape)) {}

  std::string complaint() const {
    for (std::size_t s = 0; s < schedule_.steps.size(); ++s) {
      const Step& step = schedule_.steps[s];
      if (step.heavy < 0 && step.chain.empty()) return "an empty step";
      if (step.heavy >= 0 && !finds_arguments(step.heavy, s, {})) return text(step.heavy);
      std::vector<int> before;
      if (step.heavy >= 0) before.push_back(step.heavy);
      for (const int i : step.chain) {
        if (!finds_arguments(i, s, before)) return text(i);
        before.push_back(i);
      }
    }
    for (const int output : tape_.outputs) {
      if (!in_memory(storage_of(tape_, output), schedule_.steps.size())) return text(output);
    }
    return {};
  }

 private:
  static std::string text(int i) { return "%" + std::to_string(i) + " reads what is not there"; }

  bool finds_arguments(int i, std::size_t s, const std::vector<int>& before) const {
    if (schedule_.step_of[static_cast<std::size_t>(i)] != static_cast<int>(s)) return false;
    const OpKind kind = info(tape_[i].op).kind;
    if (kind == OpKind::leaf) return true;  // a number or an iota that is copied
    if (kind == OpKind::movement) return finds(i, s, {});
    for (const int arg : tape_[i].args) {
      if (arg < 0) continue;
      const bool found = kind == OpKind::heavy ? in_memory(storage_of(tape_, arg), s)
                                               : finds(arg, s, before);
      if (!found) return false;
    }
    return true;
  }

  /// Through its view: a number, a position, a value of the same chain, or one in memory.
  bool finds(int value, std::size_t s, const std::vector<int>& before) const {
    const View view = view_of(tape_, value);
    const Op op = tape_[view.base].op;
    if (op == Op::constant || (op == Op::iota && counts_positions(view))) return true;
    for (const int i : before) {
      if (i == view.base) return true;
    }
    return in_memory(storage_of(tape_, view.base), s);
  }

  /// Stored by a step before `s`, or never computed.
  bool in_memory(int i, std::size_t s) const {
    if (tape_[i].op == Op::input || tape_[i].op == Op::parameter) return true;
    const int by = schedule_.step_of[static_cast<std::size_t>(i)];
    return by >= 0 && static_cast<std::size_t>(by) < s &&
           schedule_.stored[static_cast<std::size_t>(i)] != 0;
  }

  const Tape& tape_;
  Schedule schedule_;
};

}  // namespace

TEST_CASE("each step reads leaves, its own chain, or what an earlier step has stored") {
  battery::for_each_tape([](const std::string& name, const Tape& tape, const by_hand::Feed&) {
    INFO(name << "\n" << to_string(tape));
    CHECK(Checker(tape).complaint() == "");
  });
}

TEST_CASE("every instruction that computes runs exactly once") {
  battery::for_each_tape([](const std::string& name, const Tape& tape, const by_hand::Feed&) {
    INFO(name << "\n" << to_string(tape));
    const Schedule schedule = fuse(tape);
    std::vector<int> runs(tape.size(), 0);
    for (const Step& step : schedule.steps) {
      if (step.heavy >= 0) ++runs[static_cast<std::size_t>(step.heavy)];
      for (const int i : step.chain) ++runs[static_cast<std::size_t>(i)];
    }
    for (std::size_t i = 0; i < tape.size(); ++i) {
      const OpKind kind = info(tape.code[i].op).kind;
      const bool computes = kind == OpKind::heavy || kind == OpKind::elementwise;
      CHECK(runs[i] <= 1);
      if (computes) CHECK(runs[i] == 1);
    }
  });
}
