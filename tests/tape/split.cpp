// SPDX-License-Identifier: BSL-1.0
// Training in two halves: what forward keeps, and that both halves make the gradient.
#include <string>
#include <vector>

#include "battery.hpp"
#include "catch.hpp"
#include "etch/network/block_tapes.hpp"

namespace {

using namespace etch;
using by_hand::Feed;
using by_hand::Numbers;
using by_hand::run;

template <class L, class S> constexpr TrainingTapes halves(bool wants_input_gradient = true) {
  const Tape tape = with_vector_layout(tidied(lower<L, S>(2)));
  return split_for_training(tape, wants_input_gradient);
}

/// What forward gives out beside y.
template <class L, class S> constexpr std::size_t kept() {
  return halves<L, S>().forward.outputs.size() - 1;
}

/// The op of the only value that is kept.
template <class L, class S> constexpr Op only_kept() {
  const Tape forward = halves<L, S>().forward;
  return forward.outputs.size() == 2 ? forward[forward.outputs[1]].op : Op::input;
}

struct Squared {
  template <Expr X> static constexpr auto formula(X x) { return x * x; }
};
/// Its derivative needs two cheap functions of x.
struct SquaredBoth {
  template <Expr X> static constexpr auto formula(X x) {
    const auto a = constant<2.0> * x;
    const auto b = constant<3.0> * x;
    return a * a * b + b * b * a;
  }
};

constexpr std::size_t count(const Tape& tape, Op op) {
  std::size_t n = 0;
  for (const Instruction& i : tape.code) n += i.op == op ? 1 : 0;
  return n;
}

}  // namespace

TEST_CASE("a layer whose derivative is a function of its result keeps nothing else") {
  static_assert(kept<Linear<4>, Shape<3>>() == 0);
  static_assert(kept<Sequential<Linear<4>, ReLU>, Shape<3>>() == 0);
  static_assert(kept<Sequential<Linear<4>, Sigmoid>, Shape<3>>() == 0);
  static_assert(kept<Sequential<Linear<4>, Tanh>, Shape<5, 3>>() == 0);
  static_assert(kept<Sequential<Conv2d<4, 3>, ReLU>, Shape<2, 5, 5>>() == 0);
  static_assert(kept<Softmax<>, Shape<4>>() == 0 && kept<MaxPool2d<2>, Shape<1, 4, 4>>() == 0);
  static_assert(kept<ReLU, Shape<4>>() == 0);
}

TEST_CASE("one that needs its argument keeps it, and costly functions of it, but nothing cheap") {
  static_assert(only_kept<Sequential<Linear<4>, LeakyReLU<>>, Shape<3>>() == Op::less, "x > 0");
  static_assert(only_kept<Sequential<Linear<4>, Squared>, Shape<3>>() == Op::add);
  static_assert(only_kept<Sequential<Linear<4>, SquaredBoth>, Shape<3>>() == Op::add, "2x and 3x");
  static_assert(kept<Sequential<Linear<4>, SiLU>, Shape<3>>() == 2, "x and sigmoid(x)");
  static_assert(kept<Sequential<Linear<4>, GELU>, Shape<3>>() == 2, "x and 1 + erf(x / sqrt 2)");
}

TEST_CASE("backward computes no product and no convolution again") {
  static_assert(count(halves<Sequential<Linear<4>, GELU>, Shape<3>>().backward, Op::matmul) == 2);
  static_assert(count(halves<Sequential<Linear<4>, GELU>, Shape<3>>(false).backward, Op::matmul) ==
                1);
  static_assert(count(halves<Sequential<Conv2d<4, 3>, Tanh>, Shape<2, 5, 5>>().backward,
                      Op::conv2d) == 0);
}

TEST_CASE("the gradient of the input is only computed where it is wanted") {
  static_assert(halves<Sequential<Linear<4>, ReLU>, Shape<3>>(true).backward.outputs.size() == 3);
  static_assert(halves<Sequential<Linear<4>, ReLU>, Shape<3>>(false).backward.outputs.size() == 2);
}

namespace {
struct IgnoresInput {
  template <Expr X> static constexpr auto formula(X) { return parameter<"w", Shape<3>, Ones>; }
};

constexpr bool is_zero(const Instruction& i) { return i.op == Op::constant && i.value == 0; }

constexpr bool ignored_parameters_have_zero_gradients() {
  const Tape tape = FormulaTape<Sequential<Linear<2>, IgnoresInput>, Shape<4>>{}();
  const Tape backward = split_for_training(tape, true).backward;
  return backward.outputs.size() == 4 && is_zero(backward[backward.outputs[0]]) &&
         is_zero(backward[backward.outputs[1]]) && !is_zero(backward[backward.outputs[2]]);
}
}  // namespace

TEST_CASE("a parameter that the result does not depend on has a gradient of zero") {
  static_assert(ignored_parameters_have_zero_gradients());
}

TEST_CASE("forward and backward together are the gradient of the whole") {
  battery::for_each_network([](const std::string& name, auto layers, auto input) {
    for (const std::size_t batch : {std::size_t{1}, std::size_t{3}}) {
      INFO(name << ", batch " << batch);
      const Tape tape = battery::formula_tape(layers, input, batch);
      const Tape joint = by_hand::gradient_tape(tape);  // the input first, then parameters
      Feed feed = by_hand::feed_for(joint);
      const std::vector<Numbers> want = run(joint, feed);
      const TrainingTapes training = split_for_training(tape, true);
      const std::vector<Numbers> forward = run(training.forward, feed);
      REQUIRE(!forward.empty());
      CHECK(by_hand::near(forward[0], run(tape, feed)[0]));
      feed.inputs.insert(feed.inputs.end(), forward.begin(), forward.end());
      const auto place = feed.inputs.begin() + TrainingInput::of_weight;
      feed.inputs.insert(place, {Numbers{}, Numbers{}});  // weights and keys are not read
      const std::vector<Numbers> got = run(training.backward, feed);
      REQUIRE(got.size() == want.size());
      for (std::size_t k = 0; k < got.size(); ++k) {
        CHECK(by_hand::near(got[k], want[(k + 1) % want.size()], 1e-12));
      }
    }
  });
}
