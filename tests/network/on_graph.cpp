// SPDX-License-Identifier: BSL-1.0
// Graphs that are part of the type of a network.
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/graph.hpp"
#include "etch/layers/several.hpp"
#include "etch/network/interpreted.hpp"
#include "etch/network/model.hpp"
#include "etch/network/training.hpp"

using namespace etch;

namespace {

constexpr std::array<float, 16> square = {0, 1, 0, 1, 1, 0, 0.5f, 0, 0, 0.5f, 0, 1, 1, 0, 1, 0};

using Fixed = Network<Input<4, 3>, OnGraph<square, GraphConv<5>>, ReLU,
                      OnGraph<square, GraphAttention<2>>>;
using Given = Network<Inputs<Shape<4, 3>, Shape<4, 4>>, OnAll<GraphConv<5>>, OnFirst<ReLU>,
                      OnAll<GraphAttention<2>>, TakeFirst>;

std::vector<float> features() {
  std::vector<float> x;
  for (int i = 0; i < 12; ++i) x.push_back(std::sin(0.7f * static_cast<float>(i)));
  return x;
}

}  // namespace

TEST_CASE("a graph in the type gives what the same graph as an input gives") {
  const auto fixed = std::make_unique<Model<Fixed>>(3);
  const auto given = std::make_unique<Model<Given>>(3);
  static_assert(parameter_table<Fixed>.size() == parameter_table<Given>.size());
  given->parameters().for_each([&](const ParameterInfo& info, auto tensor) {
    for (std::size_t row = 0; row < parameter_table<Fixed>.size(); ++row) {
      const PlacedParameter& p = parameter_table<Fixed>[row];
      if (!(p.info.name == info.name)) continue;
      const auto& data = fixed->parameters().data;
      for (std::size_t i = 0; i < tensor.size(); ++i) {
        tensor[i] = data[p.offset + p.info.place_of(i)];
      }
    }
  });
  std::vector<float> x = features();
  const auto y = (*fixed)(std::span<const float, 12>(x));
  x.insert(x.end(), square.begin(), square.end());
  const auto expected = (*given)(std::span<const float, 28>(x));
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == Approx(expected[i]).margin(1e-6));

  Interpreter<double> meaning(network_tape<Fixed>());
  set_parameters(meaning, fixed->parameters());
  x.resize(12);
  REQUIRE(meaning.set_input(0, std::vector<double>(x.begin(), x.end())));
  meaning.run();
  for (std::size_t i = 0; i < y.size(); ++i) {
    CHECK(static_cast<double>(y[i]) == Approx(meaning.output(0)[i]).margin(1e-6));
  }
}
