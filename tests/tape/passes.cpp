// SPDX-License-Identifier: BSL-1.0
// Passes from tape to tape: what goes, what stays, and that the values are the same.
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/sequential.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"
#include "gradient_check.hpp"

namespace {

using namespace etch;
using by_hand::dims;
using by_hand::Numbers;
using by_hand::push;
using by_hand::push_leaf;

constexpr Tape one_input(std::size_t n = 3) {
  Tape tape;
  push_leaf(tape, Op::input, 0, dims({n}), true);
  return tape;
}

/// exp(x) + exp(x), the second exp being its own instruction, and the sum of both again.
constexpr Tape with_repeats() {
  Tape tape = one_input();
  const int a = push(tape, Op::exp, dims({3}), {0, -1, -1});
  const int b = push(tape, Op::exp, dims({3}), {0, -1, -1});
  const int c = push(tape, Op::tanh, dims({3}), {a, -1, -1});
  const int d = push(tape, Op::tanh, dims({3}), {b, -1, -1});
  tape.outputs = {push(tape, Op::add, dims({3}), {c, d, -1}), d};
  return tape;
}

constexpr Tape with_two_slices(std::size_t start) {
  Tape tape = one_input();
  push(tape, Op::slice, dims({1}), {0, -1, -1}, {.start = 0, .step = 1});
  push(tape, Op::slice, dims({1}), {0, -1, -1}, {.start = start, .step = 1});
  tape.outputs = {push(tape, Op::sub, dims({1}), {1, 2, -1})};
  return tape;
}

constexpr Tape with_two_numbers(double second) {
  Tape tape;
  push(tape, Op::constant, dims({}));
  push(tape, Op::constant, dims({}));
  tape[1].value = second;
  tape.outputs = {push(tape, Op::add, dims({}), {0, 1, -1})};
  return tape;
}

constexpr Tape with_waste() {
  Tape tape = one_input();
  push_leaf(tape, Op::parameter, 0, dims({3}));
  tape.parameters = {{.name = Name("unused"), .shape = dims({3})}};
  const int wasted = push(tape, Op::mul, dims({3}), {0, 1, -1});
  const int kept = push(tape, Op::exp, dims({3}), {0, -1, -1});
  push(tape, Op::add, dims({3}), {wasted, kept, -1});
  tape.outputs = {kept};
  return tape;
}

}  // namespace

TEST_CASE("equal instructions are computed once, and so is what is built on them") {
  static constexpr auto tape =
      freeze<[] { return without_common_subexpressions(with_repeats()); }>();
  static_assert(tape.size() == 4, "input, exp, tanh, add");
  static_assert(tape[3].args[0] == 2 && tape[3].args[1] == 2);
  static_assert(tape.outputs[0] == 3 && tape.outputs[1] == 2, "outputs move along");
  static_assert(without_common_subexpressions(tape.thaw()) == tape.thaw(), "a second run is idle");
}

TEST_CASE("instructions that differ in an attribute or a number are both kept") {
  static_assert(without_common_subexpressions(with_two_slices(0)).size() == 3);
  static_assert(without_common_subexpressions(with_two_slices(1)).size() == 4);
  static_assert(without_common_subexpressions(with_two_numbers(0)).size() == 2);
  static_assert(without_common_subexpressions(with_two_numbers(1)).size() == 3);
}

TEST_CASE("what no output depends on is dropped, the parameter table stays whole") {
  static constexpr auto tape = freeze<[] { return without_dead_code(with_waste()); }>();
  static_assert(tape.size() == 2 && tape[1].op == Op::exp && tape[1].args[0] == 0);
  static_assert(tape.outputs[0] == 1 && tape.parameters.size() == 1);
}

namespace {

template <class L, class S> constexpr Tape laid_out() {
  return with_vector_layout(tidied(lower<L, S>()));
}

/// One letter a parameter: t where it is stored transposed.
template <class L, class S> constexpr bool layout_is(std::string_view letters) {
  const Tape tape = laid_out<L, S>();
  if (tape.parameters.size() != letters.size()) return false;
  for (const Instruction& i : tape.code) {
    if (i.op != Op::parameter) continue;
    const ParameterInfo& p = tape.parameters[i.attr.index];
    const bool turned = letters[i.attr.index] == 't';
    if (p.transposed != turned) return false;
    if (turned ? i.shape != Dims{2, {p.shape[1], p.shape[0]}} : i.shape != p.shape) return false;
  }
  return true;
}

constexpr auto w = parameter<"w", Shape<3, 3>, Ones>;

struct OnTheLeft {
  template <Expr X> static constexpr auto formula(X x) { return matmul(w, x); }
};
struct OnTheRight {
  template <Expr X> static constexpr auto formula(X x) { return matmul(x, w); }
};
struct BothWays {
  template <Expr X> static constexpr auto formula(X x) { return matmul(x, w) + matmul(w, x); }
};
struct AlsoAdded {
  template <Expr X> static constexpr auto formula(X x) { return matmul(w, x) + w; }
};
struct Squared {
  template <Expr X> static constexpr auto formula(X x) { return matmul(w, w) + x; }
};
struct GivenOut {
  template <Expr X> static constexpr auto formula(X x) { return outputs(matmul(w, x), w); }
};

}  // namespace

TEST_CASE("a matrix that is only contracted over its last axis is stored transposed") {
  static_assert(layout_is<Linear<4>, Shape<3>>("t-"), "the weight, not the bias");
  static_assert(layout_is<Linear<4>, Shape<2, 3>>("t-"), "for the rows of a sequence too");
  static_assert(layout_is<Sequential<Linear<4>, Tanh, Linear<2>>, Shape<3>>("t-t-"));
  static_assert(layout_is<OnTheLeft, Shape<3, 3>>("t") && layout_is<OnTheLeft, Shape<3>>("t"));
}

TEST_CASE("a matrix that is used another way, or not as a matrix, stays as it is") {
  static_assert(layout_is<OnTheRight, Shape<3, 3>>("-"));
  static_assert(layout_is<BothWays, Shape<3, 3>>("-"));
  static_assert(layout_is<AlsoAdded, Shape<3, 3>>("-"));
  static_assert(layout_is<Squared, Shape<3, 3>>("-"));
  static_assert(layout_is<GivenOut, Shape<3, 3>>("-"), "who asks for it gets the shape it has");
  static_assert(layout_is<Conv2d<3, 2>, Shape<1, 4, 4>>("--"));
  static_assert(layout_is<LayerNorm<Shape<2, 3>>, Shape<2, 3>>("--"));
}

namespace {

Numbers transposed(const Numbers& x, const Dims& shape) {
  Numbers result;
  for (std::size_t j = 0; j < shape[1]; ++j) {
    for (std::size_t i = 0; i < shape[0]; ++i) result.push_back(x[i * shape[1] + j]);
  }
  return result;
}

/// Values and gradients, parameters and their gradients turned where they are stored turned.
std::vector<Numbers> results(Tape tape, by_hand::Feed feed) {
  const std::vector<ParameterInfo> table = tape.parameters;
  for (std::size_t p = 0; p < table.size(); ++p) {
    if (table[p].transposed) feed.parameters[p] = transposed(feed.parameters[p], table[p].shape);
  }
  std::vector<Numbers> result = by_hand::run(tape, feed);
  const Tape slopes = without_dead_code(
      without_common_subexpressions(gradient(tape, leaves(tape, Op::parameter))));
  const auto gradients = by_hand::run(slopes, feed);
  for (std::size_t p = 0; p < table.size(); ++p) {
    const Dims stored{2, {table[p].shape[1], table[p].shape[0]}};
    result.push_back(table[p].transposed ? transposed(gradients[p], stored) : gradients[p]);
  }
  return result;
}

template <class L, class S> void check_same_values() {
  const Tape before = lower<L, S>(3);
  const Tape after = with_vector_layout(tidied(before));
  const by_hand::Feed feed = by_hand::feed_for(before);
  const auto a = results(before, feed), b = results(after, feed);
  REQUIRE(a.size() == b.size());
  for (std::size_t k = 0; k < a.size(); ++k) CHECK(by_hand::near(a[k], b[k], 1e-13));
}

}  // namespace

TEST_CASE("passes change neither values nor gradients") {
  check_same_values<Sequential<Linear<4>, GELU, Linear<2>>, Shape<3>>();
  check_same_values<Sequential<Linear<4>, LayerNorm<>, Softmax<>>, Shape<2, 3>>();
  check_same_values<OnTheLeft, Shape<3, 2>>();
  check_same_values<BothWays, Shape<3, 3>>();
  check_same_values<Squared, Shape<3, 3>>();
  check_same_values<Residual<Linear<3>, Tanh, Linear<3>>, Shape<3>>();
}

TEST_CASE("operations are counted once a sample, two for each multiply-add") {
  constexpr std::size_t dense = 2 * 4 * 3 + 4;
  static_assert(flops(lower<Linear<4>, Shape<3>>(1)) == dense);
  static_assert(flops(lower<Linear<4>, Shape<3>>(5)) == 5 * dense);
  static_assert(flops(lower<Sequential<Linear<4>, ReLU>, Shape<3>>()) == dense + 4);
  static_assert(flops(lower<Conv2d<6, 3, Groups<2>, Bias<false>>, Shape<4, 8, 8>>()) ==
                2 * (6 * 6 * 6) * (2 * 3 * 3));
}
