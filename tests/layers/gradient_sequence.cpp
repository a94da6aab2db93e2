// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "formula.hpp"
#include "gradient_driver.hpp"

using namespace etch;
using namespace etch::literals;
using layers::Formula;

namespace {

using Sequence = layers::Around<Input<4, 3>, Linear<5>, Linear<6>, Linear<3>>;
template <class... Layers> using Middle = layers::InTheMiddle<Sequence, Layers...>;

using Classifier =
    layers::Around<Input<1, 5, 6>, Conv2d<2, 2, Padding<1>>, Conv2d<4, 3>, Linear<3>>;
template <class... Layers> using Between = layers::InTheMiddle<Classifier, Layers...>;

constexpr auto attention = [](auto x) {
  return matmul(softmax(matmul(x, transpose(x)) * 0.4_c), x);
};
constexpr auto swapped = [](auto x) { return transpose(x) * 2_c; };
constexpr auto largest = [](auto x) { return max<0>(x) + mean<0>(x); };
constexpr auto cut_and_joined = [](auto x) {
  return concat<1>(slice<1, 1, 4>(x), slice<1, 0, 6, 2>(x));
};

}  // namespace

TEST_CASE("gradients through layers of sequences in the middle are those of central differences") {
  std::vector<layers::GradientCase> cases;
  Middle<Softmax<0>>::add<5>(cases, "Softmax over another axis");
  Middle<LayerNorm<>>::add<5>(cases, "LayerNorm of the last axis");
  Middle<LayerNorm<Shape<4, 6>, Affine<false>>>::add<5>(cases, "LayerNorm of all");
  Middle<RMSNorm<>>::add<5>(cases, "RMSNorm");
  Middle<Linear<7>>::add<1, 5>(cases, "Linear");
  Middle<Formula<attention>>::add<1, 5>(cases, "attention");
  Middle<Formula<swapped>>::add<5>(cases, "transpose");
  Middle<Formula<largest>>::add<5>(cases, "reductions");
  Middle<Formula<cut_and_joined>>::add<5>(cases, "slices joined");
  Between<ReLU, MaxPool2d<2>, Flatten>::add<5>(cases, "from images to vectors");
  layers::check_gradients(cases);
}
