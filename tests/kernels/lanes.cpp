// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/lanes.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <tuple>
#include <vector>

#include "catch.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace {

template <class D>
void load_one(const float* p, std::size_t n, float* out) {
  const D d;
  hn::StoreU(load_n(d, p, n), d, out);
}

template <class D>
void store_one(const float* in, float* p, std::size_t n) {
  const D d;
  store_n(hn::LoadU(d, in), d, p, n);
}

template <class D>
void fill_parts(const std::array<float, logical_lanes>& x,
                hn::VFromD<D> (&parts)[logical_lanes / hn::MaxLanes(D())]) {
  const D d;
  for (std::size_t g = 0; g < logical_lanes / hn::MaxLanes(d); ++g) {
    parts[g] = hn::LoadU(d, x.data() + g * hn::MaxLanes(d));
  }
}

template <class D>
float sum_of(const std::array<float, logical_lanes>& x) {
  hn::VFromD<D> parts[logical_lanes / hn::MaxLanes(D())];
  fill_parts<D>(x, parts);
  return sum_lanes16(D(), parts);
}

template <class D>
float max_of(const std::array<float, logical_lanes>& x) {
  hn::VFromD<D> parts[logical_lanes / hn::MaxLanes(D())];
  fill_parts<D>(x, parts);
  return max_lanes16(D(), parts);
}

template <std::size_t N>
float sum_of_first_vectors(const float* p) {
  const FloatTag d;
  auto total = hn::Zero(d);
  unrolled<N>([&](auto i) HWY_ATTR { total = hn::Add(total, hn::LoadU(d, p + i * lanes)); });
  return hn::GetLane(total);
}

/// The indices that an unrolled loop passes, in its order.
template <std::size_t N>
std::vector<std::size_t> unrolled_indices() {
  std::vector<std::size_t> seen;
  unrolled<N>([&](auto i) HWY_ATTR {
    static_assert(decltype(i)::value < N);
    seen.push_back(i);
  });
  return seen;
}

}  // namespace
}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace {

using namespace etch::HWY_NAMESPACE;

using Tags = std::tuple<hn::CappedTag<float, 1>, hn::CappedTag<float, 2>, hn::CappedTag<float, 4>,
                        hn::CappedTag<float, 8>, FloatTag>;

// Values that round differently in every order of summation.
std::array<float, logical_lanes> rough_values() {
  std::array<float, logical_lanes> x{};
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(1000.0 * std::sin(2.0 + static_cast<double>(i)));
  }
  return x;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("partial loads and stores touch n floats and no more", "", Tags) {
  constexpr std::size_t width = hn::MaxLanes(TestType());
  for (std::size_t start = 0; start < 4; ++start) {
    for (std::size_t n = 0; n <= width; ++n) {
      // Of exactly this size, so that a sanitizer sees every access beyond.
      const std::unique_ptr<float[]> memory(new float[start + n]);
      for (std::size_t i = 0; i < start + n; ++i) memory[i] = static_cast<float>(i + 1);
      CAPTURE(width, start, n);

      float loaded[logical_lanes];
      load_one<TestType>(memory.get() + start, n, loaded);
      for (std::size_t i = 0; i < width; ++i) {
        CHECK(loaded[i] == (i < n ? static_cast<float>(start + i + 1) : 0.0f));
      }

      float values[logical_lanes];
      for (std::size_t i = 0; i < width; ++i) values[i] = -1.0f - static_cast<float>(i);
      store_one<TestType>(values, memory.get() + start, n);
      for (std::size_t i = 0; i < start; ++i) CHECK(memory[i] == static_cast<float>(i + 1));
      for (std::size_t i = 0; i < n; ++i) CHECK(memory[start + i] == values[i]);
    }
  }
}

TEST_CASE("a partial store leaves what follows alone") {
  float memory[2 * logical_lanes];
  const float values[logical_lanes] = {};
  for (std::size_t n = 0; n <= lanes; ++n) {
    for (float& m : memory) m = 7.0f;
    store_one<FloatTag>(values, memory + 1, n);
    for (std::size_t i = 0; i < 2 * logical_lanes; ++i) {
      CHECK(memory[i] == (i >= 1 && i < 1 + n ? 0.0f : 7.0f));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("sums of 16 lanes take the same tree for every lane count", "", Tags) {
  const std::array<float, logical_lanes> x = rough_values();
  std::array<float, logical_lanes> tree = x;
  for (std::size_t n = logical_lanes / 2; n > 0; n /= 2) {
    for (std::size_t i = 0; i < n; ++i) tree[i] += tree[i + n];
  }
  float in_order = 0.0f;
  for (const float v : x) in_order += v;
  std::array<float, logical_lanes> neighbours = x;
  for (std::size_t n = logical_lanes / 2; n > 0; n /= 2) {
    for (std::size_t i = 0; i < n; ++i) neighbours[i] = neighbours[2 * i] + neighbours[2 * i + 1];
  }
  REQUIRE(in_order != tree[0]);  // else the order would not show
  REQUIRE(neighbours[0] != tree[0]);

  CHECK(std::bit_cast<std::uint32_t>(sum_of<TestType>(x)) ==
        std::bit_cast<std::uint32_t>(tree[0]));
}

TEMPLATE_LIST_TEST_CASE("the maximum of 16 lanes sees every lane, and NaN in any", "", Tags) {
  for (std::size_t i = 0; i < logical_lanes; ++i) {
    std::array<float, logical_lanes> x = rough_values();
    x[i] = 1e9f;
    CHECK(max_of<TestType>(x) == 1e9f);
    x[i] = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(max_of<TestType>(x)));
  }
}

TEST_CASE("an unrolled loop passes each index once, in order, as a constant") {
  CHECK(unrolled_indices<5>() == std::vector<std::size_t>{0, 1, 2, 3, 4});

  float x[3 * logical_lanes];
  for (std::size_t i = 0; i < 3 * logical_lanes; ++i) x[i] = static_cast<float>(i);
  CHECK(sum_of_first_vectors<3>(x) == static_cast<float>(3 * lanes));
}
