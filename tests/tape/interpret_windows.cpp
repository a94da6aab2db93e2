// SPDX-License-Identifier: BSL-1.0
// Convolution and pooling in the interpreter.
#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <limits>
#include <utility>

#include "by_hand.hpp"
#include "catch.hpp"

namespace {

using etch::Attributes;
using etch::Dims;
using etch::Op;
using namespace by_hand;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Geometry {
  std::size_t kernel[2], stride[2], padding[2], dilation[2], groups;
};

constexpr Attributes windows(const Geometry& geometry) {
  Attributes attr;
  attr.groups = geometry.groups;
  for (std::size_t i = 0; i < 2; ++i) {
    attr.kernel[i] = geometry.kernel[i];
    attr.stride[i] = geometry.stride[i];
    attr.padding[i] = geometry.padding[i];
    attr.dilation[i] = geometry.dilation[i];
  }
  return attr;
}

constexpr Attributes square(std::size_t kernel, std::size_t stride, std::size_t padding) {
  return windows({{kernel, kernel}, {stride, stride}, {padding, padding}, {1, 1}, 1});
}

constexpr Geometry geometries[] = {
    {{3, 3}, {1, 1}, {0, 0}, {1, 1}, 1}, {{3, 2}, {2, 1}, {1, 0}, {1, 1}, 1},
    {{3, 3}, {2, 3}, {2, 1}, {1, 1}, 2}, {{2, 3}, {1, 2}, {1, 3}, {3, 2}, 2},
    {{3, 2}, {3, 2}, {2, 1}, {2, 3}, 4}, {{1, 1}, {2, 2}, {0, 0}, {1, 1}, 1},
};

/// The definition, an element at a time: what the loops of the library rearrange.
Numbers convolve(const Attributes& attr, const Dims& xs, const Numbers& x, const Dims& ws,
                 const Numbers& w, const Dims& ys) {
  Numbers y(ys.size(), 0.0);
  const auto signed_size = [](std::size_t n) { return static_cast<long>(n); };
  for (std::size_t at = 0; at < y.size(); ++at) {
    const std::size_t o = at / (ys[1] * ys[2]), i = at / ys[2] % ys[1], j = at % ys[2];
    for (std::size_t tap = 0; tap < ws[1] * ws[2] * ws[3]; ++tap) {
      const std::size_t c = tap / (ws[2] * ws[3]), p = tap / ws[3] % ws[2], q = tap % ws[3];
      const long row = signed_size(i * attr.stride[0] + p * attr.dilation[0]) -
                       signed_size(attr.padding[0]);
      const long column = signed_size(j * attr.stride[1] + q * attr.dilation[1]) -
                          signed_size(attr.padding[1]);
      if (row < 0 || column < 0 || row >= signed_size(xs[1]) || column >= signed_size(xs[2])) {
        continue;
      }
      const std::size_t channel = o / (ws[0] / attr.groups) * ws[1] + c;
      y[at] += w[o * ws[1] * ws[2] * ws[3] + tap] *
               x[(channel * xs[1] + static_cast<std::size_t>(row)) * xs[2] +
                 static_cast<std::size_t>(column)];
    }
  }
  return y;
}

/// A convolution of two samples, followed by zeros.
constexpr std::array<double, 256> convolved(const Geometry& geometry) {
  const Attributes attr = windows(geometry);
  const Dims xs = dims({4, 5, 4});
  const Dims ws = dims({8, 4 / geometry.groups, geometry.kernel[0], geometry.kernel[1]});
  const Dims ys = etch::conv2d_dims(attr, xs, ws);
  const Argument x = {xs, scattered(2 * xs.size(), 1), true};
  const Numbers y = evaluate(Op::conv2d, ys, {x, {ws, scattered(ws.size(), 2)}}, attr, 2);
  std::array<double, 256> result{};
  for (std::size_t i = 0; i < y.size(); ++i) result[i] = y[i];
  return result;
}

template <std::size_t... k> constexpr auto all_convolved(std::index_sequence<k...>) {
  return std::array{convolved(geometries[k])...};
}

}  // namespace

TEST_CASE("conv2d is PyTorch's cross-correlation") {
  const Argument x = {dims({1, 3, 3}), {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const Argument w = {dims({1, 1, 2, 2}), {1, 10, 100, 1000}};
  CHECK(evaluate(Op::conv2d, dims({1, 2, 2}), {x, w}, square(2, 1, 0)) ==
        Numbers{5421, 6532, 8754, 9865});
  CHECK(evaluate(Op::conv2d, dims({1, 2, 2}), {x, w}, square(2, 2, 1)) ==
        Numbers{1000, 3200, 7040, 9865});
  Attributes dilated = square(2, 1, 0);
  dilated.dilation[0] = dilated.dilation[1] = 2;
  CHECK(evaluate(Op::conv2d, dims({1, 1, 1}), {x, w}, dilated) == Numbers{9731});
  Attributes depthwise = square(1, 1, 0);
  depthwise.groups = 2;
  CHECK(evaluate(Op::conv2d, dims({2, 1, 2}),
                 {{dims({2, 1, 2}), {1, 2, 3, 4}}, {dims({2, 1, 1, 1}), {10, 100}}}, depthwise) ==
        Numbers{10, 20, 300, 400});
}

TEST_CASE("conv2d and its gradients follow the definition and are adjoint to each other") {
  for (const Geometry& geometry : geometries) {
    const Attributes attr = windows(geometry);
    const std::size_t batch = 2;
    const Dims xs = dims({4, 9, 8});
    const Dims ws = dims({8, 4 / geometry.groups, geometry.kernel[0], geometry.kernel[1]});
    const Dims ys = etch::conv2d_dims(attr, xs, ws);
    CAPTURE(geometry.kernel[0], geometry.kernel[1], geometry.groups, ys[1], ys[2]);
    const Argument x = {xs, scattered(batch * xs.size(), 1), true};
    const Argument w = {ws, scattered(ws.size(), 2)};
    const Argument g = {ys, scattered(batch * ys.size(), 3), true};

    const Numbers y = evaluate(Op::conv2d, ys, {x, w}, attr, batch);
    Numbers expected;
    for (std::size_t b = 0; b < batch; ++b) {
      const auto begin = x.values.begin() + static_cast<std::ptrdiff_t>(b * xs.size());
      const Numbers sample(begin, begin + static_cast<std::ptrdiff_t>(xs.size()));
      for (const double v : convolve(attr, xs, sample, ws, w.values, ys)) expected.push_back(v);
    }
    CHECK(near(y, expected));

    const double form = inner(y, g.values);
    const Numbers dx = evaluate(Op::conv2d_input_gradient, xs, {g, w}, attr, batch);
    CHECK(near(inner(x.values, dx), form, 1e-12));

    const Numbers each = evaluate(Op::conv2d_weight_gradient, ws, {g, x}, attr, batch);
    Attributes summed = attr;
    summed.over_batch = true;
    const Numbers dw = evaluate(Op::conv2d_weight_gradient, ws, {g, x}, summed, batch);
    CHECK(near(inner(w.values, dw), form, 1e-12));
    REQUIRE((each.size() == batch * ws.size() && dw.size() == ws.size()));
    for (std::size_t i = 0; i < dw.size(); ++i) CHECK(near(each[i] + each[i + ws.size()], dw[i]));
  }
}

TEST_CASE("conv2d takes another way in the compiler, to the same bits") {
  constexpr std::size_t count = std::size(geometries);
  constexpr auto in_compiler = all_convolved(std::make_index_sequence<count>{});
  for (std::size_t k = 0; k < count; ++k) {
    CAPTURE(k);
    CHECK(std::ranges::count(in_compiler[k], 0.0) < 200);
    CHECK(in_compiler[k] == convolved(geometries[k]));
  }
}

TEST_CASE("conv2d takes a weight of its own for each sample") {
  const Argument x = {dims({1, 1, 2}), {1, 2}};
  const Argument w = {dims({1, 1, 1, 1}), {10, 100}, true};
  CHECK(evaluate(Op::conv2d, dims({1, 1, 2}), {x, w}, square(1, 1, 0), 2) ==
        Numbers{10, 20, 100, 200});
}

TEST_CASE("max_pool2d takes the maximum and padding never wins") {
  const Argument x = {dims({1, 3, 3}), {-1, -2, -3, -4, -5, -6, -7, -8, -9}};
  CHECK(evaluate(Op::max_pool2d, dims({1, 2, 2}), {x}, square(2, 1, 0)) ==
        Numbers{-1, -2, -4, -5});
  CHECK(evaluate(Op::max_pool2d, dims({1, 2, 2}), {x}, square(2, 2, 1)) ==
        Numbers{-1, -2, -4, -5});
  CHECK(evaluate(Op::max_pool2d, dims({2, 1, 1}), {{dims({2, 1, 2}), {1, 2, 4, 3}}},
                 windows({{1, 2}, {1, 2}, {0, 0}, {1, 1}, 1})) == Numbers{2, 4});
}

TEST_CASE(
    "the first maximum of a window wins, but any NaN before it, and the last of several NaN") {
  const Dims row = dims({1, 1, 4}), one = dims({1, 1, 1});
  const Attributes attr = windows({{1, 4}, {1, 1}, {0, 0}, {1, 1}, 1});
  const Argument h = {row, {1, 2, 3, 4}};
  const auto pick = [&](const Numbers& x) {
    return evaluate(Op::max_pool2d_pick, one, {{row, x}, h}, attr)[0];
  };
  CHECK(pick({5, 7, 7, 1}) == 2);
  CHECK(pick({5, 7, not_a_number, not_a_number}) == 4);
  CHECK(pick({not_a_number, 7, 8, infinity}) == 1);
  CHECK(pick({-infinity, -infinity, -infinity, -infinity}) == 1);
  const double y = evaluate(Op::max_pool2d, one, {{row, {5, 7, not_a_number, 1}}}, attr)[0];
  CHECK(y != y);
}

TEST_CASE("max_pool2d_gradient collects where windows overlap") {
  const Argument x = {dims({1, 1, 3}), {1, 3, 2}};
  const Argument g = {dims({1, 1, 2}), {10, 20}};
  CHECK(evaluate(Op::max_pool2d_gradient, dims({1, 1, 3}), {x, g},
                 windows({{1, 2}, {1, 1}, {0, 0}, {1, 1}, 1})) == Numbers{0, 30, 0});
}

TEST_CASE("avg_pool2d counts padding as zeros") {
  const Argument x = {dims({1, 2, 2}), {4, 8, 12, 16}};
  CHECK(evaluate(Op::avg_pool2d, dims({1, 1, 1}), {x}, square(2, 2, 0)) == Numbers{10});
  CHECK(evaluate(Op::avg_pool2d, dims({1, 2, 2}), {x}, square(2, 2, 1)) == Numbers{1, 2, 3, 4});
  CHECK(evaluate(Op::avg_pool2d_gradient, dims({1, 2, 2}), {{dims({1, 2, 2}), {4, 8, 12, 16}}},
                 square(2, 2, 1)) == Numbers{1, 2, 3, 4});
}

TEST_CASE("pooling gradients are the adjoints of picking and averaging") {
  const Dims xs = dims({3, 7, 6});
  const std::size_t batch = 2;
  for (const Attributes& attr :
       {square(2, 2, 0), square(3, 1, 1), windows({{3, 2}, {2, 3}, {1, 1}, {1, 1}, 1})}) {
    const Dims ys = etch::pool2d_dims(attr, xs);
    CAPTURE(ys[1], ys[2]);
    const Argument x = {xs, scattered(batch * xs.size(), 4), true};
    const Argument h = {xs, scattered(batch * xs.size(), 5), true};
    const Argument g = {ys, scattered(batch * ys.size(), 6), true};
    CHECK(evaluate(Op::max_pool2d_pick, ys, {x, x}, attr, batch) ==
          evaluate(Op::max_pool2d, ys, {x}, attr, batch));
    CHECK(near(inner(evaluate(Op::max_pool2d_pick, ys, {x, h}, attr, batch), g.values),
               inner(evaluate(Op::max_pool2d_gradient, xs, {x, g}, attr, batch), h.values)));
    CHECK(near(inner(evaluate(Op::avg_pool2d, ys, {h}, attr, batch), g.values),
               inner(evaluate(Op::avg_pool2d_gradient, xs, {g}, attr, batch), h.values)));
  }
}

TEST_CASE("convolution and pooling run in the compiler with the same result") {
  constexpr auto picture = [] {
    const Argument x = {dims({2, 5, 4}), scattered(40, 7)};
    const Argument w = {dims({2, 1, 3, 3}), scattered(18, 8)};
    Attributes attr = square(3, 1, 1);
    attr.groups = 2;
    const Argument y = {x.shape, evaluate(Op::conv2d, x.shape, {x, w}, attr)};
    const Attributes pool = square(2, 2, 0);
    const Dims small = etch::pool2d_dims(pool, y.shape);
    return inner(evaluate(Op::max_pool2d, small, {y}, pool), scattered(small.size(), 9)) +
           inner(evaluate(Op::avg_pool2d, small, {y}, pool), scattered(small.size(), 10));
  };
  constexpr double in_the_compiler = picture();
  CHECK(near(picture(), in_the_compiler));
  CHECK(in_the_compiler != 0);
}
