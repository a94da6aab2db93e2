// SPDX-License-Identifier: BSL-1.0
// Parameters: names, shapes and places as PyTorch shows them, and how they are drawn.
#include "etch/network/parameters.hpp"

#include <array>
#include <bit>
#include <boost/hana/first.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/length.hpp>
#include <boost/hana/second.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

namespace {

using namespace etch;
using etch::literals::operator""_k;

using Image = Network<Input<2, 6, 5>, Conv2d<4, 3, Groups<2>, Padding<1>>, ReLU, MaxPool2d<2>,
                      Flatten, Linear<5>>;
using Skipping = Network<Input<3>, Linear<4>, Residual<LayerNorm<>, Linear<7, Bias<false>>, ReLU,
                                                       Sequential<Linear<4>, Tanh>>>;
using Wide = Network<Input<256>, Linear<64>>;

struct Row {
  std::string name;
  Dims shape;

  bool operator==(const Row&) const = default;
};

template <class Net> std::vector<Row> state_dict(const Parameters<Net>& parameters) {
  std::vector<Row> rows;
  hana::for_each(parameters.named(), [&](auto pair) {
    using T = std::remove_cvref_t<decltype(hana::second(pair))>;
    rows.push_back({hana::first(pair).c_str(), T::shape::dims});
  });
  return rows;
}

/// FNV-1a over the bits of all parameters in state_dict's order.
template <class Net> std::uint64_t checksum(const Parameters<Net>& parameters) {
  std::uint64_t hash = 0xcbf29ce484222325;
  parameters.for_each([&](const ParameterInfo&, auto tensor) {
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      hash = (hash ^ std::bit_cast<std::uint32_t>(tensor[i])) * 0x100000001b3;
    }
  });
  return hash;
}

template <class T> float largest_magnitude(const T& tensor) {
  float largest = 0;
  for (std::size_t i = 0; i < tensor.size(); ++i) largest = std::max(largest, std::abs(tensor[i]));
  return largest;
}

template <class Net> std::unique_ptr<Parameters<Net>> drawn(std::uint64_t seed) {
  auto parameters = std::make_unique<Parameters<Net>>();
  initialize(*parameters, seed);
  return parameters;
}

template <class Net> constexpr bool is_plain_memory() {
  return std::is_trivially_copyable_v<Parameters<Net>> &&
         std::is_standard_layout_v<Parameters<Net>> && alignof(Parameters<Net>) == 64 &&
         sizeof(Parameters<Net>) == sizeof(float) * Parameters<Net>::floats;
}

}  // namespace

TEST_CASE("parameters have the keys and shapes of PyTorch's state_dict") {
  CHECK(state_dict(Parameters<Image>{}) == std::vector<Row>{{"0.weight", {4, {4, 1, 3, 3}}},
                                                            {"0.bias", {1, {4}}},
                                                            {"4.weight", {2, {5, 24}}},
                                                            {"4.bias", {1, {5}}}});
  CHECK(state_dict(Parameters<Skipping>{}) == std::vector<Row>{{"0.weight", {2, {4, 3}}},
                                                               {"0.bias", {1, {4}}},
                                                               {"1.0.weight", {1, {4}}},
                                                               {"1.0.bias", {1, {4}}},
                                                               {"1.1.weight", {2, {7, 4}}},
                                                               {"1.3.0.weight", {2, {4, 7}}},
                                                               {"1.3.0.bias", {1, {4}}}});
  Parameters<Network<Input<3>, ReLU>> none;
  static_assert(decltype(hana::length(none.named()))::value == 0);
}

TEST_CASE("parameters are one flat block of memory, each tensor on a cache line of its own") {
  static_assert(is_plain_memory<Image>() && is_plain_memory<Skipping>() && is_plain_memory<Wide>());
  static_assert(Parameters<Image>::floats == 48 + 16 + 128 + 16);
  static_assert(sizeof(Parameters<Network<Input<3>, ReLU>>) == 64, "nothing to learn");
  for (const PlacedParameter& p : parameter_table<Skipping>) CHECK(p.offset % 16 == 0);
}

TEST_CASE("the number of parameters and of operations is a constant") {
  static_assert(parameter_count<Image> == 4 * 9 + 4 + 5 * 24 + 5);
  // Each of 4 x 30 pixels: 9 multiply-adds, bias, ReLU; 4 x 3 x 2 windows of 4 pixels;
  // 5 x 24 multiply-adds and 5 biases.
  static_assert(flops_of<Image> == 120 * (2 * 9 + 1 + 1) + 24 * 4 + 5 * (2 * 24 + 1));
  static_assert(parameter_count<Wide> == 64 * 257 && flops_of<Wide> == 64 * (2 * 256 + 1));
  static_assert(parameter_count<Network<Input<3>, ReLU>> == 0);
}

TEST_CASE("a tensor is indexed as in PyTorch however it is stored") {
  static_assert(parameter_table<Wide>[0].info.transposed, "else this shows nothing");
  Parameters<Image> parameters;
  const auto weight = parameters["4.weight"_k];
  static_assert(decltype(weight)::size() == 120);
  std::array<float, 120> values{}, back{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) + 0.5f;
  weight.copy_from(values);
  weight.copy_to(back);
  CHECK(values == back);
  for (int row = 0; row < 5; ++row) {
    for (int column = 0; column < 24; ++column) {
      CHECK(weight(row, column) == static_cast<float>(24 * row + column) + 0.5f);
    }
  }
  CHECK(weight[25] == 25.5f);
  parameters["0.weight"_k](3, 0, 1, 2) = 7;
  CHECK(parameters["0.weight"_k][3 * 9 + 5] == 7);
  CHECK(parameters["0.bias"_k](0) == 0);
}

TEST_CASE("what is written through the map of names is found under the name") {
  Parameters<Skipping> parameters;
  float next = 0;
  hana::for_each(parameters.named(), [&](auto pair) { hana::second(pair)[0] = ++next; });
  const Parameters<Skipping>& read = parameters;
  CHECK(read["0.weight"_k](0, 0) == 1);
  CHECK(read["1.0.bias"_k](0) == 4);
  CHECK(read["1.1.weight"_k](0, 0) == 5);
  CHECK(parameters.named()["1.3.0.bias"_k](0) == 7);
  static_assert(std::is_same_v<decltype(read["0.bias"_k][0]), const float&>);
}

TEST_CASE("weights and biases are drawn as PyTorch draws them") {
  const auto image = drawn<Image>(1);
  const auto within = [](auto tensor, double bound) {
    const double largest = static_cast<double>(largest_magnitude(tensor));
    return largest <= bound && largest > 0.5 * bound;
  };
  CHECK(within((*image)["0.weight"_k], 1 / std::sqrt(9.0)));
  CHECK(within((*image)["0.bias"_k], 1 / std::sqrt(9.0)));
  CHECK(within((*image)["4.weight"_k], 1 / std::sqrt(24.0)));
  CHECK(within((*image)["4.bias"_k], 1 / std::sqrt(24.0)));
  const auto skipping = drawn<Skipping>(1);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK((*skipping)["1.0.weight"_k](i) == 1);
    CHECK((*skipping)["1.0.bias"_k](i) == 0);
  }
}

TEST_CASE("a drawn weight has mean zero and the variance of its uniform distribution") {
  const auto wide = drawn<Wide>(3);
  const auto weight = (*wide)["0.weight"_k];
  constexpr double n = 256 * 64, bound = 1.0 / 16;
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const double w = static_cast<double>(weight[i]);
    sum += w;
    squares += w * w;
  }
  // Five standard deviations of the estimates: b / sqrt(3 n) and b^2 2 / (3 sqrt(5 n)).
  CHECK(std::abs(sum / n) < 5 * bound / std::sqrt(3 * n));
  CHECK(std::abs(squares / n - bound * bound / 3) < 5 * bound * bound * 2 / (3 * std::sqrt(5 * n)));
}

TEST_CASE("the same seed draws the same bits, here and on every other machine") {
  CHECK(*drawn<Image>(1) == *drawn<Image>(1));
  CHECK_FALSE(*drawn<Image>(1) == *drawn<Image>(2));
  CHECK(checksum(*drawn<Image>(1)) == 0xc8a8e44625bd6f20);
  CHECK(checksum(*drawn<Skipping>(7)) == 0xf19fab1bdc816cf8);
}

TEST_CASE("parameters can be drawn and read in the compiler") {
  constexpr Parameters<Skipping> parameters = [] {
    Parameters<Skipping> p;
    initialize(p, 7);
    return p;
  }();
  static_assert(parameters["1.0.weight"_k](2) == 1);
  CHECK(parameters == *drawn<Skipping>(7));
}
