// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/conv2d.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#include "catch.hpp"
#include "etch/kernels/conv2d_input_gradient.hpp"
#include "etch/kernels/conv2d_weight_gradient.hpp"
#include "exact_buffer.hpp"

using namespace etch;

namespace {

struct Options {
  std::size_t stride[2] = {1, 1}, padding[2] = {}, dilation[2] = {1, 1}, groups = 1, batch = 1;
};

constexpr Conv2dSpec conv(std::size_t channels, std::size_t height, std::size_t width,
                          std::size_t outputs, std::size_t kh, std::size_t kw, Options o = {}) {
  Conv2dSpec s{.batch = o.batch, .channels = channels, .height = height, .width = width};
  s.outputs = outputs;
  s.out_height = window_count(height, kh, o.stride[0], o.padding[0], o.dilation[0]);
  s.out_width = window_count(width, kw, o.stride[1], o.padding[1], o.dilation[1]);
  s.groups = o.groups;
  s.kernel[0] = kh;
  s.kernel[1] = kw;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    s.stride[axis] = o.stride[axis];
    s.padding[axis] = o.padding[axis];
    s.dilation[axis] = o.dilation[axis];
  }
  s.x_batch = channels * height * width;
  s.y_batch = outputs * s.out_height * s.out_width;
  return s;
}

constexpr std::size_t weight_size(const Conv2dSpec& s) {
  return s.outputs * (s.channels / s.groups) * s.kernel[0] * s.kernel[1];
}

/// The floats of a tensor whose samples lie `stride` apart; zero: one for all samples.
constexpr std::size_t all_of(const Conv2dSpec& s, std::size_t size, std::size_t stride) {
  return stride == 0 ? size : (s.batch - 1) * stride + size;
}

/// Calls visit(sample, element of x, of weight, of y), the last three within their sample.
template <class Visit> void for_each_product(const Conv2dSpec& s, const Visit& visit) {
  const std::size_t inputs = s.channels / s.groups, outputs = s.outputs / s.groups;
  const std::size_t pixels = s.out_height * s.out_width;
  for (std::size_t i = 0; i < s.batch * s.outputs * pixels; ++i) {
    const std::size_t sample = i / (s.outputs * pixels), out = i % (s.outputs * pixels);
    const std::size_t o = out / pixels, oy = out % pixels / s.out_width, ox = out % s.out_width;
    for (std::size_t t = 0; t < inputs * s.kernel[0] * s.kernel[1]; ++t) {
      const std::size_t kx = t % s.kernel[1], ky = t / s.kernel[1] % s.kernel[0];
      const std::size_t c = o / outputs * inputs + t / (s.kernel[0] * s.kernel[1]);
      const std::size_t y = oy * s.stride[0] + ky * s.dilation[0] - s.padding[0];
      const std::size_t x = ox * s.stride[1] + kx * s.dilation[1] - s.padding[1];
      if (y >= s.height || x >= s.width) continue;
      visit(sample, (c * s.height + y) * s.width + x,
            o * inputs * s.kernel[0] * s.kernel[1] + t, out);
    }
  }
}

/// relu(sum + bias[row]) and the sum itself.
constexpr Chain<4, 2> bias_relu(std::size_t samples, std::size_t rows, std::size_t pixels) {
  Chain<4, 2> chain{Dims{3, {samples, rows, pixels}}, {}, {}};
  chain.link[0].op = Op::parameter;
  chain.link[1] = {.op = Op::input, .buffer = 0, .access = {}};
  chain.link[1].access.stride[1] = 1;
  chain.link[2] = {.op = Op::add, .args = {0, 1, -1}};
  chain.link[3] = {.op = Op::relu, .args = {2, -1, -1}};
  chain.store[0] = {3, 0};
  chain.store[1] = {0, 1};
  return chain;
}

struct Tensors {
  ExactBuffer x, weight, g;
  explicit Tensors(const Conv2dSpec& s)
      : x(ExactBuffer::uniform(all_of(s, s.channels * s.height * s.width, s.x_batch), 1, 1)),
        weight(ExactBuffer::uniform(all_of(s, weight_size(s), s.weight_batch), 2, 2)),
        g(ExactBuffer::uniform(all_of(s, s.outputs * s.out_height * s.out_width, s.y_batch), 3,
                               3)) {}
};

void check_close(const ExactBuffer& found, const std::vector<double>& expected, double terms) {
  REQUIRE(found.size() == expected.size());
  double worst = 0;  // std::max would lose a NaN
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(static_cast<double>(found[i]) - expected[i]);
    if (!(error <= worst)) worst = error;
  }
  CHECK(worst <= 2e-7 * terms);
}

void check_relu(const ExactBuffer& activated, const ExactBuffer& plain, const ExactBuffer& bias,
                std::size_t pixels) {
  bool agree = true;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    agree = agree && activated[i] == std::max(0.0f, plain[i] + bias[i / pixels % bias.size()]);
  }
  CHECK(agree);
}

template <Conv2dSpec s> void check_forward(const Tensors& t) {
  constexpr std::size_t pixels = s.out_height * s.out_width, size = s.outputs * pixels;
  ExactBuffer y(s.batch * size, 1), plain(s.batch * size, 2);
  ExactBuffer scratch(conv2d_scratch(s), 3);
  const auto bias = ExactBuffer::uniform(s.outputs, 1, 4);
  const float* const sources[] = {bias.data()};
  float* const targets[] = {y.data(), plain.data()};
  HWY_NAMESPACE::conv2d<s, bias_relu(s.batch, s.outputs, pixels)>(
      t.x.data(), t.weight.data(), sources, targets, scratch.data());
  std::vector<double> expected(s.batch * size, 0.0);
  for_each_product(s, [&](std::size_t n, std::size_t x, std::size_t w, std::size_t out) {
    expected[n * size + out] += static_cast<double>(t.x[n * s.x_batch + x]) *
                                static_cast<double>(t.weight[n * s.weight_batch + w]);
  });
  check_close(plain, expected, static_cast<double>(weight_size(s) / s.outputs));
  check_relu(y, plain, bias, pixels);
}

template <Conv2dSpec s> void check_input_gradient(const Tensors& t) {
  constexpr std::size_t pixels = s.height * s.width, size = s.channels * pixels;
  ExactBuffer dx(s.batch * size, 1), plain(s.batch * size, 2);
  ExactBuffer scratch(conv2d_input_gradient_scratch(s), 3);
  const auto bias = ExactBuffer::uniform(s.channels, 1, 5);
  const float* const sources[] = {bias.data()};
  float* const targets[] = {dx.data(), plain.data()};
  HWY_NAMESPACE::conv2d_input_gradient<s, bias_relu(s.batch, s.channels, pixels)>(
      t.g.data(), t.weight.data(), sources, targets, scratch.data());
  std::vector<double> expected(s.batch * size, 0.0);
  for_each_product(s, [&](std::size_t n, std::size_t x, std::size_t w, std::size_t out) {
    expected[n * size + x] += static_cast<double>(t.g[n * s.y_batch + out]) *
                              static_cast<double>(t.weight[n * s.weight_batch + w]);
  });
  check_close(plain, expected, static_cast<double>(weight_size(s) / s.channels));
  check_relu(dx, plain, bias, pixels);
}

template <Conv2dSpec s> void check_weight_gradient(const Tensors& t) {
  constexpr std::size_t step = s.over_batch ? 0 : weight_size(s);
  ExactBuffer dw(all_of(s, weight_size(s), step), 1);
  ExactBuffer scratch(conv2d_weight_gradient_scratch(s), 3);
  HWY_NAMESPACE::conv2d_weight_gradient<s>(t.g.data(), t.x.data(), dw.data(), scratch.data());
  std::vector<double> expected(dw.size(), 0.0);
  for_each_product(s, [&](std::size_t n, std::size_t x, std::size_t w, std::size_t out) {
    expected[n * step + w] += static_cast<double>(t.g[n * s.y_batch + out]) *
                              static_cast<double>(t.x[n * s.x_batch + x]);
  });
  check_close(dw, expected, static_cast<double>(s.batch * s.out_height * s.out_width));
}

constexpr Conv2dSpec over_batch(Conv2dSpec s) {
  s.over_batch = true;
  return s;
}

template <Conv2dSpec s> void check_all() {
  CAPTURE(s.channels, s.height, s.width, s.outputs, s.kernel[0], s.kernel[1], s.groups);
  CAPTURE(s.stride[0], s.stride[1], s.padding[0], s.padding[1], s.dilation[0], s.dilation[1]);
  const Tensors tensors(s);
  check_forward<s>(tensors);
  check_input_gradient<s>(tensors);
  check_weight_gradient<s>(tensors);
  if constexpr (s.batch > 1) check_weight_gradient<over_batch(s)>(tensors);
}

}  // namespace

TEST_CASE("conv2d and its gradients agree with the definition for plain kernels") {
  check_all<conv(1, 1, 1, 1, 1, 1)>();
  check_all<conv(1, 28, 28, 6, 5, 5)>();
  check_all<conv(5, 7, 9, 17, 3, 3)>();
  check_all<conv(7, 5, 5, 3, 1, 1)>();
  check_all<conv(2, 4, 4, 5, 4, 4)>();
}

TEST_CASE("conv2d and its gradients agree with the definition with padding") {
  check_all<conv(3, 8, 8, 16, 3, 3, {.padding = {1, 1}, .batch = 3})>();
  check_all<conv(2, 5, 19, 4, 3, 5, {.padding = {1, 2}})>();
  check_all<conv(2, 3, 3, 2, 1, 1, {.padding = {2, 1}})>();
  check_all<conv(1, 1, 34, 4, 1, 3, {.padding = {0, 1}})>();
  check_all<conv(2, 2, 2, 4, 5, 5, {.padding = {4, 2}})>();
}

TEST_CASE("conv2d and its gradients agree with the definition with strides and dilation") {
  check_all<conv(3, 9, 12, 5, 3, 3, {.stride = {2, 2}, .padding = {1, 1}, .batch = 2})>();
  check_all<conv(2, 10, 7, 4, 2, 4, {.stride = {3, 2}, .padding = {0, 2}})>();
  check_all<conv(2, 8, 8, 4, 1, 1, {.stride = {2, 2}})>();
  check_all<conv(2, 11, 13, 3, 3, 3, {.padding = {2, 2}, .dilation = {2, 2}})>();
  check_all<conv(1, 13, 17, 4, 3, 4, {.stride = {2, 4}, .padding = {3, 1}, .dilation = {3, 2}})>();
  check_all<conv(1, 12, 30, 4, 3, 2, {.stride = {2, 1}})>();
}

TEST_CASE("conv2d and its gradients agree with the definition with groups") {
  check_all<conv(4, 6, 7, 8, 3, 3, {.padding = {1, 1}, .groups = 2, .batch = 2})>();
  check_all<conv(5, 9, 9, 5, 3, 3, {.padding = {1, 1}, .groups = 5, .batch = 2})>();
  check_all<conv(3, 8, 6, 6, 3, 2, {.stride = {2, 2}, .padding = {1, 0}, .groups = 3})>();
  check_all<conv(4, 10, 10, 4, 1, 1, {.groups = 4})>();
}

namespace {
constexpr Conv2dSpec cut_to(std::size_t out_height, std::size_t out_width, Conv2dSpec s) {
  s.out_height = out_height;
  s.out_width = out_width;
  s.y_batch = s.outputs * out_height * out_width;
  return s;
}
}  // namespace

TEST_CASE("conv2d and its gradients agree with the definition with fewer or more windows") {
  check_all<cut_to(1, 19, conv(3, 1, 19, 5, 1, 4, {.padding = {0, 3}, .batch = 2}))>();  // causal
  check_all<cut_to(1, 9, conv(2, 1, 9, 4, 1, 4, {.padding = {0, 1}}))>();  // "same", even
  check_all<cut_to(5, 17, conv(2, 5, 17, 3, 2, 2))>();
  check_all<cut_to(6, 21, conv(4, 4, 8, 16, 3, 5, {.padding = {1, 0}, .groups = 2}))>();
  check_all<cut_to(3, 4, conv(2, 12, 13, 4, 2, 2, {.stride = {3, 2}, .dilation = {1, 3}}))>();
  check_all<cut_to(5, 3, conv(2, 8, 9, 4, 3, 3, {.stride = {2, 2}}))>();
}

namespace {
template <Conv2dSpec s> void check_products() {
  static_assert(etch::detail::gradient_by_products(s));
  check_all<s>();
}
}  // namespace

TEST_CASE("the input gradient of conv2d agrees with the definition where it goes by products") {
  check_products<conv(9, 6, 21, 17, 3, 5)>();  // more channels than fit, rows of several vectors
  check_products<conv(3, 7, 7, 12, 5, 5, {.padding = {1, 1}, .batch = 2})>();
  check_products<conv(2, 9, 11, 16, 3, 3, {.dilation = {2, 2}})>();
  check_products<conv(4, 6, 7, 32, 3, 3, {.groups = 2, .batch = 3})>();
  check_products<conv(1, 5, 34, 16, 1, 17)>();
}

namespace {
template <Conv2dSpec s> void check_winograd() {
  static_assert(etch::detail::by_winograd(s));
  CAPTURE(s.channels, s.height, s.width, s.outputs, s.kernel[1], s.padding[0], s.padding[1]);
  check_forward<s>(Tensors(s));
}

constexpr Conv2dSpec own_weights(Conv2dSpec s) {
  s.weight_batch = weight_size(s);
  return s;
}
}  // namespace

TEST_CASE("conv2d agrees with the definition where it goes Winograd's way") {
  check_winograd<conv(24, 8, 8, 24, 3, 3, {.padding = {1, 1}, .batch = 2})>();
  check_winograd<conv(16, 7, 19, 18, 3, 3, {.padding = {1, 1}})>();
  check_winograd<conv(17, 16, 16, 16, 3, 3, {.padding = {1, 1}})>();
  check_winograd<conv(12, 10, 34, 12, 3, 3)>();
  check_winograd<conv(16, 9, 22, 14, 3, 5, {.padding = {2, 3}})>();
  check_winograd<conv(40, 24, 40, 40, 3, 1)>();
  check_winograd<conv(28, 14, 16, 28, 3, 2, {.padding = {0, 1}})>();
  check_winograd<conv(16, 14, 19, 16, 3, 3, {.padding = {1, 2}, .dilation = {1, 2}})>();
  check_winograd<conv(32, 10, 17, 32, 3, 3, {.padding = {1, 1}, .groups = 2, .batch = 2})>();
  check_winograd<conv(16, 12, 12, 72, 3, 3, {.padding = {1, 1}, .batch = 2})>();  // in two parts
  check_winograd<own_weights(conv(16, 15, 9, 16, 3, 3, {.padding = {1, 1}, .batch = 3}))>();
  check_winograd<cut_to(13, 20, conv(16, 9, 9, 16, 3, 3, {.padding = {3, 1}}))>();
  check_winograd<cut_to(9, 16, conv(16, 13, 19, 16, 3, 3))>();
}

namespace {
constexpr Conv2dSpec shared(bool x, bool weight, bool g) {
  Conv2dSpec s = conv(2, 5, 6, 4, 3, 3, {.padding = {1, 1}, .batch = 3});
  if (x) s.x_batch = 0;
  if (g) s.y_batch = 0;
  s.weight_batch = weight ? 0 : weight_size(s);
  return s;
}
}  // namespace

TEST_CASE("conv2d takes tensors that are shared by all samples or one for each") {
  check_all<shared(false, false, false)>();
  check_all<shared(true, false, false)>();
  check_all<shared(false, true, true)>();
  check_all<shared(true, true, false)>();
}

TEST_CASE("conv2d gives a pixel the same bits wherever it lies in its row") {
  constexpr Conv2dSpec wide = conv(2, 3, 41, 3, 3, 3), narrow = conv(2, 3, 5, 3, 3, 3);
  const Tensors t(wide);
  ExactBuffer y(3 * 39, 0), part(2 * 3 * 5, 0), part_y(3 * 3, 0), scratch(conv2d_scratch(wide), 0);
  ExactBuffer plain(3 * 39, 0);
  const auto bias = ExactBuffer::uniform(3, 0, 4);
  const float* const sources[] = {bias.data()};
  float* const targets[] = {plain.data(), y.data()};
  HWY_NAMESPACE::conv2d<wide, bias_relu(1, 3, 39)>(t.x.data(), t.weight.data(), sources, targets,
                                                   scratch.data());
  float* const part_targets[] = {plain.data(), part_y.data()};
  for (std::size_t start = 0; start + 5 <= 41; ++start) {
    for (std::size_t i = 0; i < 30; ++i) part.data()[i] = t.x[i / 5 * 41 + start + i % 5];
    HWY_NAMESPACE::conv2d<narrow, bias_relu(1, 3, 3)>(part.data(), t.weight.data(), sources,
                                                      part_targets, scratch.data());
    for (std::size_t i = 0; i < 9; ++i) CHECK(part_y[i] == y[i / 3 * 39 + start + i % 3]);
  }
}
