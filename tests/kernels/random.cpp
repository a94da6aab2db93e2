// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/random.hpp"

#include <bit>
#include <cstdint>

#include "buffers.hpp"
#include "catch.hpp"
#include "etch/kernels/elementwise.hpp"

namespace {

using namespace etch;
using namespace etch::test;

constexpr std::size_t rows = 3;

/// Row r, column i counts as place `offset` + r `down` + i `across`; the keys are two sources.
template <std::size_t columns, std::size_t offset, std::size_t down, std::size_t across>
constexpr auto random_chain() {
  Chain<3, 1> chain;
  chain.domain = Dims{2, {rows, columns}};
  const Access one = access(0, {0, 0});
  chain.link = {input(0, one), input(1, one), apply(Op::random, 0, 1)};
  chain.link[2].access = access(offset, {down, across});
  chain.link[2].buffer = 5;
  chain.store = {Store{2, 0}};
  return chain;
}

template <std::size_t columns, std::size_t offset, std::size_t down, std::size_t across>
void check() {
  constexpr std::uint32_t keys[] = {0xABCDEF, 0x123456};
  const float key0 = static_cast<float>(keys[0]), key1 = static_cast<float>(keys[1]);
  const float* sources[] = {&key0, &key1};
  std::vector<float> y(rows * columns, poison);
  float* targets[] = {y.data()};
  HWY_NAMESPACE::elementwise<random_chain<columns, offset, down, across>()>(sources, targets);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t place = offset + i / columns * down + i % columns * across;
    const auto at = static_cast<std::uint32_t>(place);
    CHECK(std::bit_cast<std::uint32_t>(y[i]) ==
          std::bit_cast<std::uint32_t>(etch::detail::uniform_at(at, 5, keys[0], keys[1])));
  }
}

}  // namespace

TEST_CASE("random numbers of vectors are those of their places") {
  check<1, 0, 1, 0>();
  check<5, 0, 5, 1>();
  check<16, 0, 16, 1>();
  check<37, 3, 64, 1>();
  check<21, 0, 1, 3>();
  check<40, 1000, 0, 1>();
}
