// SPDX-License-Identifier: BSL-1.0
#include <array>
#include <limits>
#include <memory>

#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_batch_case;
using etch::literals::operator""_k;

TEST_CASE("embeddings compute what PyTorch computes") {
  layers::check_golden("embedding",
                       {
                           golden_batch_case<Shape<3>, Embedding<5, 4>>("embedding"),
                           golden_batch_case<Shape<1>, Embedding<7, 19>>("embedding_of_one_wide"),
                           golden_batch_case<Shape<2>, Embedding<5, 3>, Linear<2>>(
                               "embedding_linear"),
                       });
}

TEST_CASE("an index outside of the table counts as the nearest inside") {
  const auto model = std::make_unique<Model<Network<Input<4>, Embedding<3, 1>>>>(1);
  for (std::size_t i = 0; i < 3; ++i) (*model)["0.weight"_k](i, 0) = static_cast<float>(i);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK((*model)(std::array{-1.f, 3.f, 1e30f, -1e30f}) == std::array{0.f, 2.f, 2.f, 0.f});
  CHECK((*model)(std::array{infinity, -infinity, nan, 1.5f}) == std::array{2.f, 0.f, 0.f, 1.f});
}
