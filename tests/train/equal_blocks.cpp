// SPDX-License-Identifier: BSL-1.0
// Networks whose first trained block stands in them again: both are compiled as one.
#include <cstddef>
#include <span>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/freeze.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/train/trainer.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;

/// The gradients after a step against the interpreter's, in double, for all that is trained.
template <class Net> void check_gradients() {
  constexpr std::size_t batch = 3, in = InputShape<Net>::size, out = OutputShape<Net>::size;
  const auto x = oracle::random_floats(batch * in, 1), t = oracle::random_floats(batch * out, 2);
  Trainer<Net, MSE, SGD, Batch<batch>> trainer({.seed = 3, .optimizer = {.lr = 0}});
  const float loss = trainer.step(std::span<const float, batch * in>(x),
                                  std::span<const float, batch * out>(t));
  const auto want = oracle::slope<Net, MSE>(trainer.parameters(), x, t,
                                            std::vector<float>(batch, 1.f / batch));
  CHECK(static_cast<double>(loss) == Approx(want.loss).epsilon(1e-5));
  std::size_t row = 0;
  trainer.gradients().for_each([&](const ParameterInfo& info, auto gradient) {
    INFO(info.name.view());
    std::vector<float> got(gradient.size());
    for (std::size_t i = 0; i < got.size(); ++i) got[i] = gradient[i];
    const oracle::Numbers& all = want.gradients[row++];
    if (info.role == Role::trained) CHECK(oracle::deviation(got, all) < 1e-5);
  });
}

}  // namespace

TEST_CASE("gradients are the same when the first block is one of many") {
  check_gradients<Network<Input<6>, Linear<6>, Tanh, Linear<6>, Tanh, Linear<6>, Tanh>>();
  check_gradients<Network<Input<5, 4>, GRU<4>, GRU<4>, Linear<2>>>();
}

TEST_CASE("also behind frozen blocks, and between them") {
  check_gradients<Network<Input<6>, Freeze<Linear<6>>, Tanh, Linear<6>, Tanh, Linear<6>, Tanh,
                          Freeze<Linear<6>>, Tanh>>();
}
