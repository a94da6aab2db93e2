// SPDX-License-Identifier: BSL-1.0
// From formulas to tapes: what is written once, what is called how.
#include <cmath>
#include <string_view>
#include <type_traits>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/sequential.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/block_tapes.hpp"
#include "etch/network/blocks.hpp"
#include "etch/tape/lower.hpp"

namespace {

using namespace etch;

constexpr std::size_t count(const Tape& tape, Op op) {
  std::size_t n = 0;
  for (const Instruction& i : tape.code) n += i.op == op ? 1 : 0;
  return n;
}

/// The names of the parameters, one after the other, each followed by a blank.
template <class L, class... S> constexpr bool names_are(std::string_view wanted) {
  for (const ParameterInfo& p : lower<L, S...>().parameters) {
    const std::string_view name = p.name.view();
    if (wanted.substr(0, name.size()) != name || wanted.substr(name.size(), 1) != " ") return false;
    wanted.remove_prefix(name.size() + 1);
  }
  return wanted.empty();
}

struct UsesTwice {
  template <Expr X> static constexpr auto formula(X x) {
    const auto h = tanh(x);
    return h * h + h;
  }
};

/// x 2^n, as a tree of types with 2^n leaves.
template <int n> struct Doubled {
  template <Expr X> static constexpr auto formula(X x) {
    if constexpr (n == 0) return x;
    else return Doubled<n - 1>::formula(x + x);
  }
};

struct Product {
  template <Expr X> static constexpr auto formula(X x) {
    const auto a = parameter<"a", Shape<2, 3>, Ones>;
    const auto b = parameter<"b", Shape<3, 4>, Ones>;
    return matmul(transpose(b), transpose(matmul(x, a)));
  }
};

struct TwoResults {
  template <Expr X, Expr Y> static constexpr auto formula(X x, Y y) {
    return outputs(x + y, x * (x + y));
  }
};

/// A layer inside of a formula, under a name, without one, and the same one twice.
struct Encoder {
  template <Expr X> static constexpr auto formula(X x) {
    const auto q = call<"query", Linear<4>>(x);
    return call<"out", Sequential<Linear<4>, ReLU>>(q + call<"", Linear<4>>(x)) + q;
  }
};

using Ten = Sequential<ReLU, ReLU, ReLU, ReLU, ReLU, ReLU, ReLU, ReLU, ReLU, ReLU, Linear<2>>;

}  // namespace

TEST_CASE("a subexpression that is used twice is lowered once") {
  static_assert(lower<UsesTwice, Shape<3>>().size() == 4, "input, tanh, mul, add");
  static_assert(lower<Doubled<12>, Shape<3>>().size() == 13, "4096 leaves of one type tree");
}

TEST_CASE("inputs are batched and parameters are not") {
  static constexpr auto tape = freeze<[] { return lower<Linear<4>, Shape<3>>(5); }>();
  static_assert(tape.batch == 5 && tape[0].op == Op::input && tape[0].batched);
  static_assert(tape[0].shape == Shape<3>::dims, "the shape of one sample");
  static_assert(count(tape.thaw(), Op::parameter) == 2);
  static_assert([] {
    for (const Instruction& i : tape.code) {
      if (i.op == Op::parameter && i.batched) return false;
    }
    return tape[tape.outputs[0]].batched && tape[tape.outputs[0]].shape == Shape<4>::dims;
  }());
}

TEST_CASE("parameters are named by position, as in PyTorch's Sequential") {
  static_assert(names_are<Linear<2>, Shape<3>>("weight bias "));
  static_assert(names_are<Linear<2, Bias<false>>, Shape<3>>("weight "));
  static_assert(names_are<Sequential<Linear<2>, ReLU, Linear<2>>, Shape<3>>(
      "0.weight 0.bias 2.weight 2.bias "));
  static_assert(names_are<Ten, Shape<3>>("10.weight 10.bias "));
  using Inner = Sequential<Linear<3>, Tanh>;
  static_assert(names_are<Sequential<ReLU, Residual<Inner, Linear<3>>, Inner>, Shape<3>>(
      "1.0.0.weight 1.0.0.bias 1.1.weight 1.1.bias 2.0.weight 2.0.bias "));
}

TEST_CASE("a layer called inside a formula keeps its parameters under the key it is called by") {
  static_assert(names_are<Encoder, Shape<4>>(
      "query.weight query.bias weight bias out.0.weight out.0.bias "));
  static_assert(count(lower<Encoder, Shape<4>>(), Op::matmul) == 3, "the query once");
}

TEST_CASE("a row of the parameter table has PyTorch's shape and initialisation") {
  using Layer = Conv2d<6, 2, Groups<2>>;
  static constexpr auto tape = freeze<[] { return lower<Layer, Shape<4, 5, 5>>(); }>();
  static_assert(tape.parameters[0].shape == Shape<6, 2, 2, 2>::dims);
  static_assert(tape.parameters[1].shape == Shape<6>::dims);
  static_assert(tape.parameters[0].init.kind == Init::Kind::uniform);
  const double bound = 1 / std::sqrt(8.0);  // fan-in: 2 channels of a group, 2 x 2
  CHECK(tape.parameters[0].init.a == Approx(bound));
  CHECK(tape.parameters[1].init.a == Approx(bound));
}

TEST_CASE("equal layers at different places are the same instructions and the same block") {
  static constexpr auto alone = freeze<[] { return lower<Linear<4>, Shape<4>>(); }>();
  using Twice = Sequential<Linear<4>, Linear<4>>;
  static constexpr auto both = freeze<[] { return lower<Twice, Shape<4>>(); }>();
  // The second layer repeats the first, its leaves aside.
  static constexpr std::size_t n = alone.size() - 1;
  static_assert(both.size() == 1 + 2 * n);
  static_assert([] {
    for (std::size_t i = 1; i <= n; ++i) {
      const Instruction &first = both.code[i], &second = both.code[i + n];
      if (first.op != second.op || first.shape != second.shape) return false;
    }
    return true;
  }());
  using Net = Network<Input<4>, Linear<4>, ReLU, Linear<4>, ReLU>;
  using First = boost::mp11::mp_at_c<Blocks<Net>, 0>;
  using Second = boost::mp11::mp_at_c<Blocks<Net>, 1>;
  static_assert(std::is_same_v<First::layers, Second::layers>, "code depends on layers and shape");
  static_assert(std::is_same_v<First::input, Second::input>);
  static_assert(First::first_layer == 0 && Second::first_layer == 2);
}

TEST_CASE("transposes become flags of the product") {
  static constexpr auto tape = freeze<[] { return lower<Product, Shape<5, 2>>(); }>();
  static_assert([] {
    const Instruction& y = tape[tape.outputs[0]];
    return y.op == Op::matmul && y.attr.transpose_a && y.attr.transpose_b &&
           tape[y.args[0]].op == Op::parameter && tape[y.args[1]].op == Op::matmul;
  }());
}

TEST_CASE("a number takes the shape of what it meets instead of being broadcast") {
  static_assert(count(lower<GELU, Shape<2, 3>>(), Op::broadcast) == 0);
}

TEST_CASE("a formula may take several inputs and return several results") {
  static constexpr auto tape = freeze<[] { return lower<TwoResults, Shape<3>, Shape<1>>(); }>();
  static_assert(tape.outputs.size() == 2 && tape[0].attr.index == 0 && tape[1].attr.index == 1);
  static_assert(tape[tape.outputs[0]].op == Op::add && tape[tape.outputs[1]].op == Op::mul);
  static_assert(count(tape.thaw(), Op::add) == 1, "shared between the results");
}

TEST_CASE("a frozen tape thaws to the tape it was made from") {
  static constexpr auto frozen = freeze<[] { return lower<Encoder, Shape<4>>(3); }>();
  static_assert(frozen.thaw() == lower<Encoder, Shape<4>>(3));
}

TEST_CASE("names join with a dot, and nothing joins without one") {
  static_assert((Name("a") / "b").view() == "a.b");
  static_assert((Name() / "b").view() == "b" && (Name("a") / "").view() == "a");
}
