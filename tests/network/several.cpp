// SPDX-License-Identifier: BSL-1.0
// Networks of several inputs and outputs, with shared weights and taps, as users run them.
#include "etch/layers/several.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/branches.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/names.hpp"
#include "etch/layers/shape.hpp"
#include "etch/layers/transformer.hpp"
#include "etch/network/interpreted.hpp"
#include "etch/network/model.hpp"
#include "etch/network/network.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;
using etch::literals::operator""_k;

using Leg = Share<"leg", Linear<3>>;
using Siamese =
    Network<Inputs<Shape<4>, Shape<4>>, Parallel<Leg, Leg>, Join<0>, Tanh, Linear<1>>;

/// A vector and a matrix in, a matrix and a vector out.
struct Cross {
  template <Expr A, Expr B> static constexpr auto formula(A a, B b) { return outputs(b * a, a); }
};
using Pair = Network<Inputs<Shape<3>, Shape<2, 3>>, Cross, Parallel<Tanh, Linear<2>>>;

struct Squares {
  template <Expr X> static constexpr auto formula(X x) { return tap<"squares">(x * x); }
};
using WithTaps =
    Network<Input<4>, Residual<Linear<4>, Tap<"inside">, Tanh>, Squares, Linear<2>>;

template <std::size_t n> std::array<float, n> numbers(std::uint64_t seed) {
  const std::vector<float> drawn = oracle::random_floats(n, seed);
  std::array<float, n> x;
  std::ranges::copy(drawn, x.begin());
  return x;
}

void clear(auto tensor) {
  for (std::size_t i = 0; i < tensor.size(); ++i) tensor[i] = 0;
}

/// What the formulas say, in double.
template <class Net>
oracle::Numbers interpreted(const Parameters<Net>& parameters, std::span<const float> x) {
  return interpret<double>(network_tape<Net>(), {oracle::widened(x)},
                           oracle::parameters_of(parameters))[0];
}

template <class Net> std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const PlacedParameter& p : parameter_table<Net>) result.emplace_back(p.info.name.view());
  return result;
}

}  // namespace

TEST_CASE("both legs of a siamese network have one set of weights, found by its name") {
  CHECK(names<Siamese>() ==
        std::vector<std::string>{"leg.weight", "leg.bias", "3.weight", "3.bias"});
  static_assert(parameter_count<Siamese> == 12 + 3 + 6 + 1);
  Model<Siamese> model(1);
  const auto a = numbers<4>(2), b = numbers<4>(3);
  // A head that is the difference of both legs: equal inputs give nothing.
  for (std::size_t i = 0; i < 3; ++i) {
    model["3.weight"_k](0, i) = 1;
    model["3.weight"_k](0, i + 3) = -1;
  }
  model["3.bias"_k](0) = 0;
  CHECK(model(a, a)[0] == 0);
  CHECK(model(a, b)[0] == Approx(-model(b, a)[0]));
  CHECK(model(a, b)[0] != 0);
  clear(model["leg.weight"_k]);
  CHECK(model(a, b)[0] == 0);
}

TEST_CASE("a model takes its inputs one by one or in a row") {
  Model<Pair> model(1);
  const auto row = numbers<9>(4);
  std::array<float, 3> a;
  float b[6];
  std::copy_n(row.begin(), 3, a.begin());
  std::copy_n(row.begin() + 3, 6, b);
  const auto y = model(row);
  CHECK(oracle::deviation(y, interpreted<Pair>(model.parameters(), row)) < 1e-6);
  CHECK(model(a, b) == y);
  CHECK(model(std::span(a), std::span<const float, 6>(b)) == y);
  std::array<float, 8> into{};
  model(row, into);
  CHECK(into == y);
  static_assert(noexcept(model(a, b)));
  // The row is in the model, and only where there are several inputs.
  using One = Network<Input<9>, Linear<8>>;
  static_assert(sizeof(Model<One>) == sizeof(Parameters<One>) + sizeof(Workspace<One>));
  static_assert(sizeof(Model<Pair>) == sizeof(Parameters<Pair>) + sizeof(Workspace<Pair>) + 64);
}

TEST_CASE("an input as large as the output is not taken for the output") {
  using Net = Network<Inputs<Shape<2>, Shape<3>>, Parallel<Linear<3>, Tanh>, Add>;
  Model<Net> model(1);
  const auto row = numbers<5>(5);
  std::array<float, 2> a = {row[0], row[1]};
  std::array<float, 3> b = {row[2], row[3], row[4]};
  CHECK(model(a, std::span<float, 3>(b)) == model(row));
  CHECK(b == std::array{row[2], row[3], row[4]});
}

TEST_CASE("outputs are found by their position") {
  Model<Pair> model(1);
  const std::array<float, 3> a = {1, 2, -1};
  const std::array<float, 6> b = {0.5f, 0, 0, 0, 0.25f, 0};
  auto y = model(a, b);
  static_assert(output<Pair, "0">(std::span(y)).size() == 6);
  static_assert(output<Pair, "1">(std::span(y)).size() == 2);
  CHECK(output<Pair, "0">(y)[0] == Approx(std::tanh(0.5)));
  CHECK(output<Pair, "0">(y)[4] == Approx(std::tanh(0.5)));
  const auto& w = model["1.1.weight"_k];
  CHECK(output<Pair, "1">(y)[1] ==
        Approx(w(1, 0) + 2 * w(1, 1) - w(1, 2) + model["1.1.bias"_k](1)));
  output<Pair, "1">(y)[0] = 7;
  CHECK(y[6] == 7);
}

TEST_CASE("taps inside of a residual and in a formula are outputs behind the result") {
  Model<WithTaps> model(1);
  static_assert(Model<WithTaps>::outputs == 2 + 4 + 4);
  CHECK(names<WithTaps>() ==
        std::vector<std::string>{"0.0.weight", "0.0.bias", "2.weight", "2.bias"});
  const auto x = numbers<4>(6);
  const auto y = model(x);
  CHECK(oracle::deviation(y, interpreted<WithTaps>(model.parameters(), x)) < 1e-6);
  const auto inside = output<WithTaps, "inside">(y);
  const auto squares = output<WithTaps, "squares">(y);
  const auto& w = model["0.0.weight"_k];
  for (std::size_t i = 0; i < 4; ++i) {
    float sum = model["0.0.bias"_k](i);
    for (std::size_t k = 0; k < 4; ++k) sum += w(i, k) * x[k];
    CHECK(inside[i] == Approx(sum));
    const float z = x[i] + std::tanh(inside[i]);
    CHECK(squares[i] == Approx(z * z));
  }
  // The result is that of the network without taps.
  using Plain = Network<Input<4>, Residual<Linear<4>, Tanh>, Multiply<Sequential<>, Sequential<>>,
                        Linear<2>>;
  Model<Plain> plain;
  const auto copy = [&](auto name) {
    for (std::size_t i = 0; i < model[name].size(); ++i) plain[name][i] = model[name][i];
  };
  copy("0.0.weight"_k);
  copy("0.0.bias"_k);
  copy("2.weight"_k);
  copy("2.bias"_k);
  CHECK(oracle::deviation(plain(x), {static_cast<double>(y[0]), static_cast<double>(y[1])}) < 1e-6);
}

TEST_CASE("decoders one above the other all see the memory") {
  using Decoder = OnAll<TransformerDecoderLayer<2, 6, Dropout<0.0>>>;
  using Net = Network<Inputs<Shape<3, 4>, Shape<2, 4>>, Decoder, Decoder, TakeFirst>;
  static_assert(OutputShape<Net>::dims == Shape<3, 4>::dims);
  const auto model = std::make_unique<Model<Net>>(1);
  const auto x = numbers<12>(7);
  auto memory = numbers<8>(8);
  const auto y = (*model)(x, memory);
  std::vector<float> row(x.begin(), x.end());
  row.insert(row.end(), memory.begin(), memory.end());
  CHECK(oracle::deviation(y, interpreted<Net>(model->parameters(), row)) < 1e-5);
  // With the first one's way to the memory closed, the second one still sees it.
  clear((*model)["0.multihead_attn.out_proj.weight"_k]);
  const auto closed = (*model)(x, memory);
  memory[0] += 1;
  CHECK((*model)(x, memory) != closed);
  clear((*model)["1.multihead_attn.out_proj.weight"_k]);
  const auto both = (*model)(x, memory);
  memory[0] += 1;
  CHECK((*model)(x, memory) == both);
}
