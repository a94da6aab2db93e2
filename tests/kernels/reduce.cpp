// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/reduce.hpp"

#include <algorithm>
#include <cstring>

#include "buffers.hpp"
#include "catch.hpp"

namespace {

using namespace etch;
using namespace etch::test;

/// Where element e of a row-major tensor goes: its index in the tensor of the kept axes.
std::size_t kept_index(const ReduceSpec& spec, std::size_t e) {
  std::size_t result = 0, stride = 1;
  for (std::size_t i = spec.shape.rank; i-- > 0; e /= spec.shape[i]) {
    if ((spec.axes >> i & 1) != 0) continue;
    result += e % spec.shape[i] * stride;
    stride *= spec.shape[i];
  }
  return result;
}

template <ReduceSpec spec> void matches_reference(std::size_t misaligned) {
  const std::size_t size = spec.shape.size(), results = reduced_dims(spec.shape, spec.axes).size();
  INFO("rank " << spec.shape.rank << ", axes " << spec.axes << ", " << size << " elements");
  const Source x(size, misaligned, static_cast<std::uint32_t>(size));
  std::vector<double> sum(results), magnitude(results);
  std::vector<float> largest(results, -std::numeric_limits<float>::infinity());
  for (std::size_t e = 0; e < size; ++e) {
    const std::size_t i = kept_index(spec, e);
    sum[i] += double{x[e]};
    magnitude[i] += std::abs(double{x[e]});
    largest[i] = std::max(largest[i], x[e]);
  }
  Target y(results, misaligned), top(results, misaligned);
  HWY_NAMESPACE::sum<spec>(x.data(), y.data());
  HWY_NAMESPACE::max_reduce<spec>(x.data(), top.data());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < results; ++i) {
    const bool right = std::abs(double{y[i]} - sum[i]) <= 1e-6 * magnitude[i];
    if (!right || top[i] != largest[i]) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK((y.written_within() && top.written_within()));
}

template <ReduceSpec... specs> void all_match(std::size_t misaligned) {
  (matches_reference<specs>(misaligned), ...);
}

constexpr ReduceSpec over(std::size_t axes, Dims shape) { return {shape, axes}; }

}  // namespace

TEST_CASE("sum and maximum over the last axis agree with double arithmetic") {
  const std::size_t misaligned = GENERATE(std::size_t{0}, std::size_t{1});
  all_match<over(1, {1, {1}}), over(1, {1, {5}}), over(1, {1, {16}}), over(1, {1, {1001}}),
            over(2, {2, {3, 7}}), over(2, {2, {4, 33}}), over(5, {3, {3, 4, 18}}),
            over(10, {4, {2, 3, 4, 9}})>(misaligned);
}

TEST_CASE("sum and maximum over other axes agree with double arithmetic") {
  const std::size_t misaligned = GENERATE(std::size_t{0}, std::size_t{3});
  all_match<over(1, {2, {5, 1}}), over(1, {2, {9, 6}}), over(1, {2, {3, 64}}),
            over(1, {2, {6, 77}}), over(2, {3, {2, 5, 11}}), over(5, {4, {3, 2, 4, 10}}),
            over(21, {6, {2, 3, 2, 2, 3, 19}})>(misaligned);
}

TEST_CASE("no axes left to reduce is a copy, no axes left to keep a scalar") {
  all_match<over(0, {0, {}}), over(0, {1, {21}}), over(3, {2, {4, 5}})>(0);
}

TEST_CASE("NaN wins over every maximum, and minus infinity over none") {
  float x[2 * 37];
  std::fill(x, x + 74, -std::numeric_limits<float>::infinity());
  x[30] = poison;
  float y[37];
  HWY_NAMESPACE::max_reduce<over(2, {2, {2, 37}})>(x, y);
  CHECK(std::isnan(y[0]));
  CHECK(y[1] == -std::numeric_limits<float>::infinity());
  HWY_NAMESPACE::max_reduce<over(1, {2, {2, 37}})>(x, y);
  CHECK(std::isnan(y[30]));
  CHECK(y[36] == -std::numeric_limits<float>::infinity());
}

TEST_CASE("sums do not depend on where the row or column lies") {
  Source x(9 * 45, 1, 3);
  for (std::size_t e = 0; e < 9 * 45; ++e) x.data()[e] = x[e % 45];
  float rows[9];
  HWY_NAMESPACE::sum<over(2, {2, {9, 45}})>(x.data(), rows);
  for (const float row : rows) CHECK(row == rows[0]);
  for (std::size_t e = 0; e < 9 * 45; ++e) x.data()[e] = x[e / 45 * 45];
  for (std::size_t i = 0; i < 9; ++i) x.data()[i * 45] = 0.1f / static_cast<float>(i + 1);
  for (std::size_t e = 0; e < 9 * 45; ++e) x.data()[e] = x[e / 45 * 45];
  float columns[45];
  HWY_NAMESPACE::sum<over(1, {2, {9, 45}})>(x.data(), columns);
  for (const float column : columns) CHECK(column == columns[0]);
}
