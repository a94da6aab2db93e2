// SPDX-License-Identifier: BSL-1.0
// Whole tapes in the interpreter: number types, frozen tapes, wrong inputs, constant evaluation.
#include <cmath>
#include <vector>

#include "by_hand.hpp"
#include "catch.hpp"

namespace {

using etch::Interpreter;
using etch::Op;
using etch::Tape;
using namespace by_hand;

/// y = W2 tanh(W1 x + b1) + b2, two inputs, three hidden values, one output, four samples.
constexpr Tape two_layers() {
  Tape tape;
  tape.batch = 4;
  const int x = push_leaf(tape, Op::input, 0, dims({2, 1}), true);
  const int w1 = push_leaf(tape, Op::parameter, 0, dims({3, 2}));
  const int b1 = push_leaf(tape, Op::parameter, 1, dims({3, 1}));
  const int w2 = push_leaf(tape, Op::parameter, 2, dims({1, 3}));
  const int b2 = push_leaf(tape, Op::parameter, 3, dims({1, 1}));
  const int wx = push(tape, Op::matmul, dims({3, 1}), {w1, x, -1});
  const int sum = push(tape, Op::add, dims({3, 1}), {wx, b1, -1});
  const int h = push(tape, Op::tanh, dims({3, 1}), {sum, -1, -1});
  const int wh = push(tape, Op::matmul, dims({1, 1}), {w2, h, -1});
  tape.outputs.push_back(push(tape, Op::add, dims({1, 1}), {wh, b2, -1}));
  return tape;
}

template <class T> constexpr std::vector<T> run_two_layers() {
  return etch::interpret<T>(
      two_layers(), {{0, 0, 0, 1, 1, 0, 1, 1}},
      {{T(0.5), T(-0.25), T(1), T(0.75), T(-0.5), T(2)}, {T(0.1), T(0), T(-0.3)},
       {T(1), T(-2), T(0.5)}, {T(0.25)}})[0];
}

/// A number with its derivative: what a user may bring along.
struct Dual {
  double v = 0;
  double d = 0;

  constexpr Dual() = default;
  constexpr explicit Dual(double value, double derivative = 0) : v(value), d(derivative) {}

  friend constexpr Dual operator-(Dual a) { return Dual(-a.v, -a.d); }
  friend constexpr Dual operator+(Dual a, Dual b) { return Dual(a.v + b.v, a.d + b.d); }
  friend constexpr Dual operator-(Dual a, Dual b) { return Dual(a.v - b.v, a.d - b.d); }
  friend constexpr Dual operator*(Dual a, Dual b) {
    return Dual(a.v * b.v, a.d * b.v + a.v * b.d);
  }
  friend constexpr Dual operator/(Dual a, Dual b) {
    return Dual(a.v / b.v, (a.d - a.v / b.v * b.d) / b.v);
  }
  friend constexpr bool operator<(Dual a, Dual b) { return a.v < b.v; }
  friend constexpr bool operator==(Dual a, Dual b) { return a.v == b.v; }
  friend constexpr Dual chain(Dual a, double y, double dy) { return Dual(y, a.d * dy); }
  friend constexpr Dual exp(Dual a) { return chain(a, etch::math::exp(a.v), etch::math::exp(a.v)); }
  friend constexpr Dual expm1(Dual a) {
    return chain(a, etch::math::expm1(a.v), etch::math::exp(a.v));
  }
  friend constexpr Dual log(Dual a) { return chain(a, etch::math::log(a.v), 1 / a.v); }
  friend constexpr Dual log1p(Dual a) { return chain(a, etch::math::log1p(a.v), 1 / (1 + a.v)); }
  friend constexpr Dual sqrt(Dual a) {
    return chain(a, etch::math::sqrt(a.v), 0.5 / etch::math::sqrt(a.v));
  }
  friend constexpr Dual sin(Dual a) { return chain(a, etch::math::sin(a.v), etch::math::cos(a.v)); }
  friend constexpr Dual cos(Dual a) {
    return chain(a, etch::math::cos(a.v), -etch::math::sin(a.v));
  }
  friend constexpr Dual tanh(Dual a) {
    const double y = etch::math::tanh(a.v);
    return chain(a, y, 1 - y * y);
  }
  friend constexpr Dual erf(Dual a) {
    return chain(a, etch::math::erf(a.v), 1.1283791670955126 * etch::math::exp(-a.v * a.v));
  }
  friend constexpr Dual pow(Dual a, Dual b) { return exp(b * log(a)); }
};

/// The derivative of one elementwise op at x.
constexpr double derivative(Op op, double x) {
  Tape tape;
  const int leaf = push_leaf(tape, Op::input, 0, dims({}));
  tape.outputs.push_back(push(tape, op, dims({}), {leaf, -1, -1}));
  return etch::interpret<Dual>(tape, {{Dual(x, 1)}}, {})[0][0].d;
}

}  // namespace

TEST_CASE("a two-layer network runs in the compiler and at run time") {
  // Expected: the same formula in Python with math.tanh.
  constexpr auto matches = [] {
    return near(run_two_layers<double>(), Numbers{0.20401168839916037, -0.7014784030963432,
                                                  -1.0681571300474189, -0.879548229152165});
  };
  static_assert(matches());
  CHECK(matches());
}

TEST_CASE("float and double agree") {
  const std::vector<float> narrow = run_two_layers<float>();
  CHECK(near(Numbers(narrow.begin(), narrow.end()), run_two_layers<double>(), 1e-6));
}

TEST_CASE("a tape at rest in a constant runs as the living one") {
  constexpr auto frozen = etch::freeze<[] { return two_layers(); }>();
  Interpreter<double> machine(frozen);
  CHECK(machine.set_input(0, Numbers{0, 0, 0, 1, 1, 0, 1, 1}));
  CHECK(machine.set_parameter(0, Numbers{0.5, -0.25, 1, 0.75, -0.5, 2}));
  CHECK(machine.set_parameter(1, Numbers{0.1, 0, -0.3}));
  CHECK(machine.set_parameter(2, Numbers{1, -2, 0.5}));
  CHECK(machine.set_parameter(3, Numbers{0.25}));
  for (int pass = 0; pass < 2; ++pass) {  // a second run finds nothing left over
    machine.run();
    CHECK(near(Numbers(machine.output(0).begin(), machine.output(0).end()),
               run_two_layers<double>()));
  }
}

TEST_CASE("an input of the wrong size is refused and changes nothing") {
  Interpreter<double> machine(two_layers());
  CHECK(machine.set_input(0, Numbers(8, 1)));
  CHECK_FALSE(machine.set_input(0, Numbers(7, 2)));
  CHECK_FALSE(machine.set_input(1, Numbers(8, 2)));
  CHECK_FALSE(machine.set_parameter(4, Numbers(1, 2)));
  CHECK(machine.value(0)[0] == 1);
  CHECK(etch::interpret<double>(two_layers(), {Numbers(8, 1)}, {}).empty());
}

TEST_CASE("a dual number carries a derivative through the interpreter") {
  static_assert(near(derivative(Op::sigmoid, 0), 0.25));
  CHECK(near(derivative(Op::tanh, 0.5), 1 - std::tanh(0.5) * std::tanh(0.5)));
  CHECK(near(derivative(Op::sigmoid, -1000), 0));
  CHECK(near(derivative(Op::rsqrt, 4), -0.0625));
  CHECK(derivative(Op::abs, -3) == -1);
  CHECK((derivative(Op::relu, 0) == 0 && derivative(Op::relu, 1) == 1));

  std::vector<Dual> x(8);
  x[2] = Dual(0.5, 1);  // d y[sample 1] / d x[sample 1, 0]
  const std::vector<Dual> w1 = {Dual(0.5), Dual(-0.25), Dual(1), Dual(0.75), Dual(-0.5), Dual(2)};
  const auto y = etch::interpret<Dual>(
      two_layers(), {x}, {w1, std::vector<Dual>(3), {Dual(1), Dual(-2), Dual(0.5)}, {Dual(0.25)}});
  const auto slope = [](double v) { return 1 - std::tanh(v) * std::tanh(v); };
  const double expected = 0.5 * slope(0.25) - 2 * 1 * slope(0.5) + 0.5 * -0.5 * slope(-0.25);
  CHECK(near(y[0][1].d, expected));
  CHECK(y[0][0].d == 0);
}
