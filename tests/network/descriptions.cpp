// SPDX-License-Identifier: BSL-1.0
// Different descriptions are different functions. g++ 12 leaves elements of arrays that were never
// assigned out of the names of functions: descriptions that differ only in where a zero stands
// would be one function, and one of two networks would run the code of the other.
#include <cstddef>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/model.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;

/// Code of its own for each description, as kernels have; it hands its description out.
template <auto description> struct Kernel {
  using Description = std::remove_const_t<decltype(description)>;
  [[gnu::noinline]] static void run(Description& out) { out = description; }
};

template <auto a, auto b> bool are_apart() {
  static_assert(std::is_same_v<decltype(a), decltype(b)>);
  auto of_a = b, of_b = a;
  Kernel<a>::run(of_a);
  Kernel<b>::run(of_b);
  return &Kernel<a>::run != &Kernel<b>::run && of_a == a && of_b == b;
}

/// Zeros but for one place, set as the passes over the tape set it.
template <class T> constexpr T one_at(std::size_t i) {
  T result{};
  result[i] = 1;
  return result;
}
constexpr Access access(std::size_t axis) {
  Access result;
  result.stride[axis] = 1;
  return result;
}
constexpr Conv2dSpec conv_padding(std::size_t axis) {
  Conv2dSpec result;
  result.padding[axis] = 1;
  return result;
}
constexpr Pool2dSpec pool_padding(std::size_t axis) {
  Pool2dSpec result;
  result.padding[axis] = 1;
  return result;
}
constexpr Attributes swapped(std::size_t i, std::size_t j) {
  Attributes result;
  for (std::size_t k = 0; k < 3; ++k) result.order[k] = k == i ? j : k == j ? i : k;
  return result;
}

/// acc + a parameter: a convolution's bias runs along the rows, that of a product along columns.
constexpr Chain<3, 1> biased(std::size_t axis) {
  Chain<3, 1> result{};
  result.domain = {3, {2, 2, 2}};
  result.link[0] = {.op = Op::parameter};
  result.link[1] = {.op = Op::input, .buffer = 0, .access = access(axis)};
  result.link[2] = {.op = Op::add, .args = {0, 1, -1}};
  result.store[0] = {2, 0};
  return result;
}

constexpr Chain<2, 2> stored(Store first, Store second) {
  Chain<2, 2> result{};
  result.domain = {1, {4}};
  result.store[0] = first;
  result.store[1] = second;
  return result;
}

/// Same number of everything, zeros in other places.
using Beside = Network<Input<1, 4, 4>, Conv2d<2, 3, Padding<Size2d{0, 1}>>, ReLU>;
using Above = Network<Input<1, 4, 4>, Conv2d<2, 3, Padding<Size2d{1, 0}>>, ReLU>;
using PooledBeside = Network<Input<1, 4, 4>, MaxPool2d<2, Stride<1>, Padding<Size2d{0, 1}>>>;
using PooledAbove = Network<Input<1, 4, 4>, MaxPool2d<2, Stride<1>, Padding<Size2d{1, 0}>>>;
/// The biases stand along axis 1 and along axis 2 of equal domains: batch x 2 x 2.
using Rows = Network<Input<3, 1, 2>, Conv2d<2, 1>, ReLU>;
using Columns = Network<Input<2, 3>, Linear<2>, ReLU>;

template <class Net> double deviation() {
  constexpr std::size_t batch = 2;
  Parameters<Net> parameters;
  initialize(parameters, 1);
  const auto x = oracle::random_floats(batch * InputShape<Net>::size, 2);
  std::vector<float> y(batch * OutputShape<Net>::size);
  Workspace<Net, batch> workspace;
  infer<Net, batch>(parameters, workspace,
                    std::span<const float, batch * InputShape<Net>::size>(x),
                    std::span<float, batch * OutputShape<Net>::size>(y));
  return oracle::deviation(y, oracle::outputs(parameters, x, batch));
}

}  // namespace

TEST_CASE("descriptions that differ in the place of a zero have functions of their own") {
  using Two = Array2<std::size_t>;
  using Three = Array3<int>;
  using Six = Array6<std::size_t>;
  CHECK(are_apart<one_at<Two>(0), one_at<Two>(1)>());
  CHECK(are_apart<one_at<Three>(0), one_at<Three>(1)>());
  CHECK(are_apart<one_at<Three>(1), one_at<Three>(2)>());
  CHECK(are_apart<one_at<Six>(0), one_at<Six>(3)>());
  CHECK(are_apart<one_at<Six>(4), one_at<Six>(5)>());
  CHECK(are_apart<access(1), access(2)>());
  CHECK(are_apart<conv_padding(0), conv_padding(1)>());
  CHECK(are_apart<pool_padding(0), pool_padding(1)>());
  CHECK(are_apart<swapped(0, 1), swapped(0, 2)>());
  CHECK(are_apart<swapped(0, 1), swapped(1, 2)>());
}

TEST_CASE("chains that differ in the place of a zero have functions of their own") {
  CHECK(are_apart<biased(0), biased(1)>());
  CHECK(are_apart<biased(1), biased(2)>());
  CHECK(are_apart<stored({0, 0}, {1, 1}), stored({1, 1}, {0, 0})>());
  CHECK(are_apart<stored({0, 0}, {1, 1}), stored({0, 1}, {1, 0})>());
}

TEST_CASE("networks in one file that differ in the place of a zero are all right") {
  CHECK(deviation<Beside>() < 1e-6);
  CHECK(deviation<Above>() < 1e-6);
  CHECK(deviation<PooledBeside>() < 1e-6);
  CHECK(deviation<PooledAbove>() < 1e-6);
  CHECK(deviation<Rows>() < 1e-6);
  CHECK(deviation<Columns>() < 1e-6);
}
