// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/pool2d.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "exact_buffer.hpp"

using namespace etch;

namespace {

constexpr Pool2dSpec pool(std::size_t planes, std::size_t height, std::size_t width,
                          std::size_t kernel, std::size_t stride, std::size_t padding = 0,
                          std::size_t kernel_width = 0) {
  const std::size_t kw = kernel_width == 0 ? kernel : kernel_width;
  return {planes,
          height,
          width,
          window_count(height, kernel, stride, padding, 1),
          window_count(width, kw, stride, padding, 1),
          {kernel, kw},
          {stride, stride},
          {padding, padding}};
}

constexpr std::size_t none = ~std::size_t{0};

/// Calls visit(input element or `none` for padding, output element), windows and taps in order.
template <class Visit> void for_each_tap(const Pool2dSpec& s, const Visit& visit) {
  for (std::size_t out = 0; out < s.planes * s.out_height * s.out_width; ++out) {
    const std::size_t ox = out % s.out_width, oy = out / s.out_width % s.out_height;
    const std::size_t plane = out / (s.out_width * s.out_height);
    for (std::size_t k = 0; k < s.kernel[0] * s.kernel[1]; ++k) {
      const std::size_t y = oy * s.stride[0] + k / s.kernel[1] - s.padding[0];
      const std::size_t x = ox * s.stride[1] + k % s.kernel[1] - s.padding[1];
      const bool inside = y < s.height && x < s.width;
      visit(inside ? (plane * s.height + y) * s.width + x : none, out);
    }
  }
}

std::vector<std::size_t> maxima(const Pool2dSpec& s, const ExactBuffer& x) {
  std::vector<std::size_t> best(s.planes * s.out_height * s.out_width, none);
  for_each_tap(s, [&](std::size_t in, std::size_t out) {
    if (in == none) return;
    if (best[out] == none || x[in] > x[best[out]] || std::isnan(x[in])) best[out] = in;
  });
  return best;
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

template <Pool2dSpec s> void check_max(const ExactBuffer& x) {
  const std::vector<std::size_t> best = maxima(s, x);
  const auto h = ExactBuffer::uniform(x.size(), 2, 5);
  const auto g = ExactBuffer::uniform(best.size(), 3, 6);
  ExactBuffer y(best.size(), 1), picked(best.size(), 2), dx(x.size(), 3);
  HWY_NAMESPACE::max_pool2d<s>(x.data(), y.data());
  HWY_NAMESPACE::max_pool2d_pick<s>(x.data(), h.data(), picked.data());
  HWY_NAMESPACE::max_pool2d_gradient<s>(x.data(), g.data(), dx.data());
  std::vector<float> expected(x.size(), 0.0f);
  for (std::size_t i = 0; i < best.size(); ++i) {
    CHECK(same(y[i], x[best[i]]));
    CHECK(picked[i] == h[best[i]]);
    expected[best[i]] += g[i];
  }
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(dx[i] == Approx(expected[i]).margin(1e-6));
}

template <Pool2dSpec s> void check_average() {
  const auto x = ExactBuffer::uniform(s.planes * s.height * s.width, 1, 7);
  const auto g = ExactBuffer::uniform(s.planes * s.out_height * s.out_width, 2, 8);
  ExactBuffer y(g.size(), 3), dx(x.size(), 1);
  HWY_NAMESPACE::avg_pool2d<s>(x.data(), y.data());
  HWY_NAMESPACE::avg_pool2d_gradient<s>(g.data(), dx.data());
  std::vector<double> mean(g.size(), 0.0), gradient(x.size(), 0.0);
  const double area = static_cast<double>(s.kernel[0] * s.kernel[1]);
  for_each_tap(s, [&](std::size_t in, std::size_t out) {
    if (in == none) return;
    mean[out] += static_cast<double>(x[in]) / area;
    gradient[in] += static_cast<double>(g[out]) / area;
  });
  for (std::size_t i = 0; i < g.size(); ++i) CHECK(y[i] == Approx(mean[i]).margin(1e-6));
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(dx[i] == Approx(gradient[i]).margin(1e-6));
}

template <Pool2dSpec s> void check_all() {
  CAPTURE(s.height, s.width, s.kernel[0], s.kernel[1], s.stride[0], s.padding[0]);
  auto x = ExactBuffer::uniform(s.planes * s.height * s.width, 1, 4);
  check_max<s>(x);
  // Five values only: ties in every window.
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = std::round(2 * x[i]);
  check_max<s>(x);
  check_average<s>();
}

}  // namespace

TEST_CASE("pooling by halves agrees with the definition for every width") {
  check_all<pool(1, 2, 2, 2, 2)>();
  check_all<pool(2, 4, 6, 2, 2)>();
  check_all<pool(3, 5, 7, 2, 2)>();
  check_all<pool(2, 8, 8, 2, 2)>();
  check_all<pool(1, 7, 17, 2, 2)>();
  check_all<pool(2, 24, 24, 2, 2)>();
  check_all<pool(1, 3, 38, 2, 2)>();
  check_all<pool(1, 2, 71, 2, 2)>();
}

TEST_CASE("pooling agrees with the definition for any kernel, stride and padding") {
  check_all<pool(2, 5, 5, 1, 1)>();
  check_all<pool(2, 9, 9, 3, 3)>();
  check_all<pool(1, 12, 21, 3, 1, 1)>();
  check_all<pool(2, 16, 16, 3, 2, 1)>();
  check_all<pool(1, 11, 37, 3, 2, 0)>();
  check_all<pool(1, 9, 19, 1, 2)>();
  check_all<pool(1, 10, 10, 4, 2, 2)>();
  check_all<pool(1, 13, 20, 2, 3, 1, 5)>();
  check_all<pool(2, 7, 7, 7, 7)>();
  check_all<pool(1, 4, 4, 4, 1, 2)>();
}

TEST_CASE("a NaN is the maximum of its window") {
  constexpr Pool2dSpec halves = pool(1, 6, 18, 2, 2), general = pool(1, 6, 18, 3, 2, 1);
  for (std::size_t at = 0; at < 6 * 18; at += 5) {
    auto x = ExactBuffer::uniform(6 * 18, 0, 9);
    x.data()[at] = std::numeric_limits<float>::quiet_NaN();
    check_max<halves>(x);
    check_max<general>(x);
  }
}

TEST_CASE("a window of minus infinities has its maximum at its first element") {
  ExactBuffer x(4 * 20, 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x.data()[i] = -std::numeric_limits<float>::infinity();
  }
  check_max<pool(1, 4, 20, 2, 2)>(x);
  check_max<pool(1, 4, 20, 3, 1, 1)>(x);
}

TEST_CASE("a column has the same pooled bits wherever it lies in its row") {
  constexpr Pool2dSpec wide = pool(1, 3, 41, 3, 1), narrow = pool(1, 3, 5, 3, 1);
  const auto x = ExactBuffer::uniform(3 * 41, 0, 10);
  ExactBuffer y(39, 0), part(15, 0), part_y(3, 0);
  HWY_NAMESPACE::avg_pool2d<wide>(x.data(), y.data());
  for (std::size_t start = 0; start + 5 <= 41; ++start) {
    for (std::size_t i = 0; i < 15; ++i) part.data()[i] = x[i / 5 * 41 + start + i % 5];
    HWY_NAMESPACE::avg_pool2d<narrow>(part.data(), part_y.data());
    for (std::size_t i = 0; i < 3; ++i) CHECK(part_y[i] == y[start + i]);
  }
}
