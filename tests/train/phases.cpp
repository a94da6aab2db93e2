// SPDX-License-Identifier: BSL-1.0
// What training does to tensors that no optimizer touches: buffers, and frozen parameters.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/batch_norm.hpp"
#include "etch/layers/dropout.hpp"
#include "etch/layers/freeze.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/model.hpp"
#include "etch/train/trainer.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;
using etch::literals::operator""_k;

using Normed = Network<Input<3>, Linear<4>, BatchNorm1d<>, Tanh, Linear<2>>;

std::vector<float> tensor(auto view) {
  std::vector<float> values(view.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = view[i];
  return values;
}

template <class Net> Dataset points(std::size_t n) {
  constexpr std::size_t in = InputShape<Net>::size, out = OutputShape<Net>::size;
  return Dataset::regression(in, out, oracle::random_floats(n * in, 5),
                             oracle::random_floats(n * out, 6, 2))
      .value();
}

/// Gradients and new buffers of `rows` samples in a batch of `batch`: what is missing is nonsense
/// that must not count.
template <std::size_t batch> Parameters<Normed> backpropagated(std::size_t rows) {
  using Run = HWY_NAMESPACE::Backpropagation<Normed, MSE, batch>;
  Parameters<Normed> parameters, gradients;
  initialize(parameters, 3);
  alignas(64) float x[batch * 3], target[batch * 2], weight[batch];
  std::ranges::fill(x, 7.f);
  std::ranges::fill(target, -7.f);
  std::ranges::copy(oracle::random_floats(rows * 3, 1), x);
  std::ranges::copy(oracle::random_floats(rows * 2, 2), target);
  for (std::size_t i = 0; i < batch; ++i) weight[i] = i < rows ? 1 / static_cast<float>(rows) : 0;
  alignas(64) static float memory[Run::workspace];
  Run::run(parameters.data, x, target, weight, nullptr, gradients.data, memory);
  return gradients;
}

}  // namespace

TEST_CASE("rows that only fill up a batch do not count in its statistics") {
  const auto whole = std::make_unique<Parameters<Normed>>(backpropagated<3>(3));
  const auto part = std::make_unique<Parameters<Normed>>(backpropagated<5>(3));
  for (std::size_t i = 0; i < Parameters<Normed>::floats; ++i) {
    CHECK(part->data[i] == Approx(whole->data[i]).margin(1e-6));
  }
  const auto mean = tensor((*whole)["1.running_mean"_k]);
  CHECK(std::ranges::any_of(mean, [](float m) { return m != 0; }));
}

TEST_CASE("steps renew the running statistics, by which inference and evaluation go") {
  Trainer<Normed, MSE, SGD, Batch<8>> trainer(
      {.seed = 3, .optimizer = {.lr = 0.05f}, .progress = {.style = ProgressStyle::off}});
  const Dataset data = points<Normed>(21);
  const auto before = tensor(trainer.parameters()["1.running_var"_k]);
  CHECK(before == std::vector<float>{1, 1, 1, 1});
  REQUIRE(trainer.fit(data));
  CHECK(tensor(trainer.parameters()["1.running_var"_k]) != before);

  const auto model = std::make_unique<Model<Normed>>(trainer.parameters());
  double loss = 0;
  for (std::uint32_t row = 0; row < data.size(); ++row) {
    const auto y = (*model)(data.input(row).template first<3>());
    for (std::size_t k = 0; k < 2; ++k) {
      const double error = static_cast<double>(y[k]) - static_cast<double>(data.target(row)[k]);
      loss += error * error / (2 * static_cast<double>(data.size()));
    }
  }
  CHECK(trainer.evaluate(data).loss == Approx(loss).epsilon(1e-5));
}

TEST_CASE("a step whose loss is no number leaves the running statistics alone") {
  Trainer<Normed, MSE, SGD, Batch<2>> trainer({.seed = 3});
  const auto before = trainer.parameters();
  std::array<float, 6> x{};
  x[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(trainer.step(x, std::array<float, 4>{})));
  CHECK(trainer.parameters() == before);
}

namespace {
using Plain = Network<Input<3>, Linear<4>, Tanh, Linear<4>, Tanh, Linear<2>>;
using Ends = Network<Input<3>, Freeze<Linear<4>>, Tanh, Linear<4>, Tanh, Freeze<Linear<2>>>;
using All = Network<Input<3>, Freeze<Linear<4>>, Tanh>;

template <class Net> struct Stepped {
  Parameters<Net> before, after, gradients;
};
template <class Net, class Optimizer> Stepped<Net> stepped(const Optimizer& optimizer) {
  constexpr std::size_t in = InputShape<Net>::size, out = OutputShape<Net>::size;
  Trainer<Net, MSE, Optimizer, Batch<4>> trainer({.seed = 9, .optimizer = optimizer});
  std::array<float, 4 * in> x;
  std::array<float, 4 * out> target;
  std::ranges::copy(oracle::random_floats(4 * in, 1), x.begin());
  std::ranges::copy(oracle::random_floats(4 * out, 2), target.begin());
  Stepped<Net> result{trainer.parameters(), {}, {}};
  trainer.step(x, target);
  result.after = trainer.parameters();
  result.gradients = trainer.gradients();
  return result;
}
}  // namespace

TEST_CASE("frozen parameters stay, the others are trained as without freezing") {
  const Adam optimizer{.lr = 0.1f, .weight_decay = 0.1f};
  const auto frozen = stepped<Ends>(optimizer);
  const auto plain = stepped<Plain>(optimizer);
  for (const auto& [a, b] :
       {std::pair(tensor(frozen.after["0.weight"_k]), tensor(plain.before["0.weight"_k])),
        std::pair(tensor(frozen.after["0.bias"_k]), tensor(plain.before["0.bias"_k])),
        std::pair(tensor(frozen.after["4.weight"_k]), tensor(plain.before["4.weight"_k])),
        std::pair(tensor(frozen.after["2.weight"_k]), tensor(plain.after["2.weight"_k])),
        std::pair(tensor(frozen.after["2.bias"_k]), tensor(plain.after["2.bias"_k])),
        std::pair(tensor(frozen.gradients["2.weight"_k]),
                  tensor(plain.gradients["2.weight"_k]))}) {
    CHECK(a == b);
  }
  CHECK(tensor(frozen.after["2.weight"_k]) != tensor(plain.before["2.weight"_k]));
  CHECK(parameter_count<Ends> == parameter_count<Plain>);
}

TEST_CASE("buffers of frozen layers are renewed, and a batch of one leaves the variance alone") {
  using Net = Network<Input<3>, Freeze<Linear<4>>, Freeze<BatchNorm1d<>>,
                      Freeze<Residual<Linear<4>, BatchNorm1d<>>>, Linear<2>>;
  Trainer<Net, MSE, SGD, Batch<4>> trainer({.seed = 3, .optimizer = {.lr = 0.1f}});
  const auto before = trainer.parameters();
  std::array<float, 12> x;
  std::ranges::copy(oracle::random_floats(12, 1), x.begin());
  trainer.step(x, std::array<float, 8>{1, 2, 3, 4, 5, 6, 7, 8});
  const auto& after = trainer.parameters();
  CHECK(tensor(after["1.weight"_k]) == tensor(before["1.weight"_k]));
  CHECK(tensor(after["2.0.weight"_k]) == tensor(before["2.0.weight"_k]));
  CHECK(tensor(after["1.running_mean"_k]) != tensor(before["1.running_mean"_k]));
  CHECK(tensor(after["2.1.running_var"_k]) != tensor(before["2.1.running_var"_k]));
  CHECK(tensor(after["3.weight"_k]) != tensor(before["3.weight"_k]));

  Trainer<Normed, MSE, SGD, Batch<1>> alone({.seed = 3});
  alone.step(std::array<float, 3>{1, 2, 3}, std::array<float, 2>{});
  CHECK(tensor(alone.parameters()["1.running_var"_k]) == std::vector<float>{1, 1, 1, 1});
}

TEST_CASE("for frozen parameters no gradient is computed, and before the first trained one none") {
  using Frozen = mp::mp_at_c<Blocks<Ends>, 0>;
  using Trained = HWY_NAMESPACE::detail::TrainedBlock<Frozen::layers, Frozen::input, 4, true>;
  static_assert(Trained::Backward::program.steps.size() == 0);
  using Third = mp::mp_at_c<Blocks<Ends>, 2>;
  using Last = HWY_NAMESPACE::detail::TrainedBlock<Third::layers, Third::input, 4, false>;
  std::size_t products = 0;
  for (const Instruction& i : Last::Backward::tape.code) products += i.op == Op::matmul ? 1 : 0;
  CHECK(products == 1);
  const auto all = stepped<All>(SGD{.lr = 1});
  CHECK(all.before == all.after);
}

namespace {
using Dropped = Network<Input<2>, Linear<64>, Dropout<0.25>, Linear<1>>;
using Kept = Network<Input<2>, Linear<64>, Dropout<0.0>, Linear<1>>;
using Without = Network<Input<2>, Linear<64>, Linear<1>>;

template <class Net> Trainer<Net, MSE, SGD, Batch<4>> trainer_of(std::uint64_t seed) {
  return Trainer<Net, MSE, SGD, Batch<4>>({.seed = seed, .optimizer = {.lr = 0.01f}});
}
constexpr std::array<float, 8> some_x = {1, 2, -1, 3, 2, -2, 1, 1};
constexpr std::array<float, 4> some_target = {1, -1, 2, 0};

/// Of the second layer, whose gradient is zero where all four samples lost the element.
template <class Net> std::vector<float> slopes_of_last(Trainer<Net, MSE, SGD, Batch<4>>& trainer) {
  trainer.step(some_x, some_target);
  const Parameters<Net>& g = trainer.gradients();
  if constexpr (std::is_same_v<Net, Without>) return tensor(g["1.weight"_k]);
  else return tensor(g["2.weight"_k]);
}
}  // namespace

TEST_CASE("a seed fixes the masks; every step has another one") {
  auto a = trainer_of<Dropped>(7), b = trainer_of<Dropped>(7);
  a.optimizer().lr = b.optimizer().lr = 0;
  const auto first = slopes_of_last(a);
  CHECK(slopes_of_last(b) == first);
  CHECK(slopes_of_last(a) != first);
  auto other = trainer_of<Dropped>(8);
  other.parameters() = b.parameters();
  CHECK(slopes_of_last(other) != first);
}

TEST_CASE("dropout drops the share that it says, scales the rest, and not at all in inference") {
  auto kept = trainer_of<Kept>(7);
  auto without = trainer_of<Without>(7);
  CHECK(slopes_of_last(kept) == slopes_of_last(without));

  // The mean of the first layer's results over many masks is what inference sees.
  auto dropped = trainer_of<Dropped>(7);
  dropped.optimizer().lr = 0;
  double total = 0;
  constexpr int steps = 400;
  for (int i = 0; i < steps; ++i) {
    dropped.step(some_x, some_target);
    total += static_cast<double>(dropped.gradients()["2.bias"_k][0]);
  }
  auto plain = trainer_of<Without>(7);
  plain.optimizer().lr = 0;
  std::ranges::copy(dropped.parameters().data, plain.parameters().data);
  plain.step(some_x, some_target);
  CHECK(total / steps == Approx(plain.gradients()["1.bias"_k][0]).margin(0.1));

  const auto model = std::make_unique<Model<Dropped>>(dropped.parameters());
  const auto same = std::make_unique<Model<Without>>(plain.parameters());
  CHECK((*model)(std::array{1.f, 2.f}) == (*same)(std::array{1.f, 2.f}));
  static_assert(workspace_bytes<Dropped> == workspace_bytes<Without>);
}
