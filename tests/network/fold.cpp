// SPDX-License-Identifier: BSL-1.0
#include "etch/network/fold.hpp"

#include <array>
#include <memory>
#include <type_traits>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/names.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/model.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;

using Branch = Residual<Conv2d<4, 3, Padding<1>, Bias<false>>, BatchNorm2d<>, ReLU,
                        Conv2d<4, 3, Padding<1>>, BatchNorm2d<Affine<false>>>;
using Net = Network<Input<2, 6, 6>, Conv2d<4, 3, Padding<1>, Groups<2>>,
                    BatchNorm2d<Epsilon<0.1>>, ReLU, Branch, MaxPool2d<2>, BatchNorm2d<>, Flatten,
                    Sequential<Linear<7, Bias<false>>, BatchNorm1d<>>, Share<"same", Linear<7>>,
                    Tanh, Share<"same", Linear<7>>, Linear<3>>;

/// Any numbers but zeros and ones, variances above zero.
std::unique_ptr<Parameters<Net>> drawn() {
  auto parameters = std::make_unique<Parameters<Net>>();
  initialize(*parameters, 3);
  std::uint64_t seed = 50;
  parameters->for_each([&](const ParameterInfo& info, auto tensor) {
    const bool positive = info.name.view().ends_with("running_var");
    if (info.init.kind != Init::Kind::constant) return;
    const auto values = oracle::random_floats(tensor.size(), seed++);
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      tensor[i] = positive ? 0.3f + values[i] * values[i] : values[i] - 0.2f;
    }
  });
  return parameters;
}

}  // namespace

TEST_CASE("normalisations behind a linear layer or a convolution become part of it") {
  static_assert(std::is_same_v<
                Folded<Net>,
                Network<Input<2, 6, 6>, Conv2d<4, 3, Padding<1>, Groups<2>>, ReLU,
                        Residual<Conv2d<4, 3, Padding<1>>, ReLU, Conv2d<4, 3, Padding<1>>>,
                        MaxPool2d<2>, BatchNorm2d<>, Flatten, Sequential<Linear<7>>,
                        Share<"same", Linear<7>>, Tanh, Share<"same", Linear<7>>, Linear<3>>>);
  static_assert(std::is_same_v<Folded<Folded<Net>>, Folded<Net>>);
  static_assert(std::is_same_v<
                Folded<Network<Input<2, 9>, Conv1d<3, 3, Causal<>, Bias<false>>, BatchNorm1d<>>>,
                Network<Input<2, 9>, Conv1d<3, 3, Causal<>>>>);
  using Sequence = Network<Input<4, 3>, Linear<5>, BatchNorm1d<>>;
  static_assert(std::is_same_v<Folded<Sequence>, Sequence>, "other channels");
}

TEST_CASE("a folded network computes what the network did") {
  const auto parameters = drawn();
  const auto model = std::make_unique<Model<Net>>(*parameters);
  const auto folded = std::make_unique<Model<Folded<Net>>>(*fold(*parameters));
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    std::array<float, 72> x;
    std::ranges::copy(oracle::random_floats(x.size(), seed), x.begin());
    const auto want = (*model)(x);
    const auto got = (*folded)(x);
    for (std::size_t i = 0; i < 3; ++i) CHECK(got[i] == Approx(want[i]).margin(1e-5));
  }
}
