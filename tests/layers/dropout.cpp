// SPDX-License-Identifier: BSL-1.0
// Dropout inside of layers: which masks are drawn, what they do on average, and that inference has
// none.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "etch/etch.hpp"

namespace {

using namespace etch;
using Numbers = std::vector<double>;

constexpr std::size_t batch = 2;

template <class Layer, class... S> Tape in_training() {
  return lower<Layer, S...>(batch, Phase::training, lower<Layer, S...>(batch).parameters);
}

Numbers random_numbers(std::size_t n, unsigned seed) {
  Random random(seed);
  Numbers result(n);
  for (double& v : result) v = static_cast<double>(random.uniform(-1.f, 1.f));
  return result;
}

/// All random numbers that one step of a formula draws, tensor by tensor.
template <class Layer, class... S> std::vector<Numbers> drawn() {
  Tape tape = in_training<Layer, S...>();
  tape.outputs.clear();
  for (std::size_t i = 0; i < tape.size(); ++i) {
    if (tape.code[i].op == Op::random) tape.outputs.push_back(static_cast<int>(i));
  }
  return interpret<double>(without_dead_code(tape), {{}, {}, {}, {}, {12345, 67890}}, {});
}

std::vector<std::size_t> sizes_of_samples(const std::vector<Numbers>& tensors) {
  std::vector<std::size_t> sizes;
  for (const Numbers& t : tensors) sizes.push_back(t.size() / batch);
  return sizes;
}

/// Whether no two tensors agree at any place.
bool all_different(const std::vector<Numbers>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      for (std::size_t k = 0; k < std::min(tensors[i].size(), tensors[j].size()); ++k) {
        if (tensors[i][k] == tensors[j][k]) return false;
      }
    }
  }
  return true;
}

/// A layer in double, with parameters of its own: y of the given x, under the given keys.
template <class Layer, class S> class Machine {
 public:
  explicit Machine(Phase phase)
      : machine_(phase == Phase::training ? in_training<Layer, S>() : lower<Layer, S>(batch)) {
    unsigned seed = 1;
    for (const ParameterInfo& p : machine_.tape().parameters) {
      machine_.set_parameter(seed - 1, random_numbers(p.shape.size(), seed));
      ++seed;
    }
  }

  Numbers operator()(const Numbers& x, const Numbers& keys = {1, 2}) {
    machine_.set_input(0, x);
    machine_.set_input(TrainingInput::of_keys, keys);
    machine_.run();
    return {machine_.output(0).begin(), machine_.output(0).end()};
  }

 private:
  Interpreter<double> machine_;
};

constexpr double everything = 0.99999999;  // no random number is as large

}  // namespace

TEST_CASE("transformer layers drop where PyTorch's do, each place by a mask of its own") {
  using S = Shape<3, 4>;
  using Memory = Shape<5, 4>;
  const auto encoder = drawn<TransformerEncoderLayer<2, 7>, S>();
  CHECK(sizes_of_samples(encoder) == std::vector<std::size_t>{2 * 3 * 3, 3 * 4, 3 * 7, 3 * 4});
  CHECK(all_different(encoder));
  const auto decoder = drawn<TransformerDecoderLayer<2, 7, NormFirst<>>, S, Memory>();
  CHECK(sizes_of_samples(decoder) ==
        std::vector<std::size_t>{2 * 3 * 3, 3 * 4, 2 * 3 * 5, 3 * 4, 3 * 7, 3 * 4});
  CHECK(all_different(decoder));
  const auto padded = drawn<TransformerDecoderLayer<2, 7>, S, Memory, Shape<>>();
  CHECK(padded.size() == 6);
  CHECK(drawn<MultiheadAttention<2>, S>().empty());
  CHECK(drawn<TransformerEncoderLayer<2, 7, Dropout<0.0>>, S>().empty());
}

TEST_CASE("a transformer layer drops a tenth, if nothing else is said") {
  using S = Shape<3, 4>;
  CHECK(in_training<TransformerEncoderLayer<2, 7>, S>() ==
        in_training<TransformerEncoderLayer<2, 7, Dropout<0.1>>, S>());
  CHECK(in_training<TransformerEncoderLayer<2, 7>, S>() !=
        in_training<TransformerEncoderLayer<2, 7, Dropout<0.2>>, S>());
}

namespace {
struct ThreeTimes {
  template <Expr X> static constexpr auto formula(X x) {
    return concat<0>(call<"a", Dropout<>>(x), call<"b", Dropout<>>(x), call<"a", Dropout<>>(x));
  }
};
struct TwoAttentions {
  template <Expr X> static constexpr auto formula(X x) {
    using Attention = MultiheadAttention<1, Dropout<0.5>>;
    return call<"a", Attention>(x) + call<"b", Attention>(x);
  }
};
}  // namespace

TEST_CASE("layers called under different keys have different masks, under the same key one") {
  constexpr std::ptrdiff_t n = 16;
  const Numbers y = Machine<ThreeTimes, Shape<n>>(Phase::training)(Numbers(batch * n, 1.0));
  const Numbers a(y.begin(), y.begin() + n), b(y.begin() + n, y.begin() + 2 * n);
  CHECK(a != b);
  CHECK(std::ranges::count(a, 2.0) + std::ranges::count(a, 0.0) == n);
  CHECK(a == Numbers(y.begin() + 2 * n, y.begin() + 3 * n));
  const auto attentions = drawn<TwoAttentions, Shape<3, 4>>();
  CHECK(attentions.size() == 2);
  CHECK(all_different(attentions));
}

TEST_CASE("the mean over many masks is what inference sees") {
  using Attention = MultiheadAttention<2, Dropout<0.3>>;
  using S = Shape<3, 4>;
  const Numbers x = random_numbers(batch * S::size, 99);
  const Numbers expected = Machine<Attention, S>(Phase::inference)(x);
  Machine<Attention, S> training(Phase::training);
  Numbers total(expected.size(), 0);
  double deviation = 0;
  constexpr int steps = 4000;
  Random random(7);
  for (int step = 0; step < steps; ++step) {
    const auto key = [&] { return static_cast<double>(random() >> 8); };
    const Numbers y = training(x, {key(), key()});
    for (std::size_t i = 0; i < y.size(); ++i) {
      total[i] += y[i] / steps;
      deviation += std::abs(y[i] - expected[i]) / (steps * static_cast<double>(y.size()));
    }
  }
  CHECK(deviation > 0.1);  // of a single mask
  for (std::size_t i = 0; i < total.size(); ++i) {
    INFO(i);
    CHECK(total[i] == Approx(expected[i]).margin(0.03));
  }
}

TEST_CASE("where everything is dropped, what is left are residuals and biases") {
  using S = Shape<3, 4>;
  const Numbers x = random_numbers(batch * S::size, 99);
  using Encoder = TransformerEncoderLayer<2, 7, NormFirst<>, Dropout<everything>>;
  CHECK(Machine<Encoder, S>(Phase::training)(x) == x);
  CHECK(Machine<Encoder, S>(Phase::inference)(x) != x);
  const Numbers bias = random_numbers(4, 4);  // the last of the parameters
  const Numbers y =
      Machine<MultiheadAttention<2, Dropout<everything>>, S>(Phase::training)(x);
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == bias[i % 4]);
}

namespace {
template <class... Layers> using On = Network<Input<3, 8>, Layers...>;
using With = On<TransformerEncoderLayer<2, 8>, MultiheadAttention<2, Dropout<0.5>>>;
using Without = On<TransformerEncoderLayer<2, 8, Dropout<0.0>>, MultiheadAttention<2>>;
}  // namespace

TEST_CASE("in inference layers with dropout are those without, to the bit and the byte") {
  using S = Shape<3, 4>;
  using M = Shape<5, 4>;
  CHECK(lower<TransformerEncoderLayer<2, 7>, S>().code ==
        lower<TransformerEncoderLayer<2, 7, Dropout<0.0>>, S>().code);
  CHECK(lower<TransformerDecoderLayer<2, 7>, S, M>().code ==
        lower<TransformerDecoderLayer<2, 7, Dropout<0.0>>, S, M>().code);

  static_assert(workspace_bytes<With> == workspace_bytes<Without>);
  Parameters<With> with;
  Parameters<Without> without;
  initialize(with, 3);
  std::ranges::copy(with.data, without.data);
  const auto a = std::make_unique<Model<With>>(with);
  const auto b = std::make_unique<Model<Without>>(without);
  std::array<float, 24> x;
  Random random(5);
  for (float& v : x) v = random.uniform(-1.f, 1.f);
  CHECK((*a)(x) == (*b)(x));
}
