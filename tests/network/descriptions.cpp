// SPDX-License-Identifier: BSL-1.0
// Different descriptions are different functions. g++ 12 leaves zeros inside of arrays out of the
// names of functions: what differs only in where a zero stands would be one function, and the linker
// or the assembler would keep either.
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

constexpr Access access(std::size_t i, std::size_t j, std::size_t k) {
  return {.offset = 0, .stride = {{i, j, k}, {}}};
}

/// acc + a parameter: the bias of a convolution runs along the rows, that of a product along columns.
constexpr Chain<3, 1> biased(const Access& bias) {
  return {.domain = {3, {2, 2, 2}},
          .link = {{{.op = Op::parameter},
                    {.op = Op::input, .buffer = 0, .access = bias},
                    {.op = Op::add, .args = {0, 1, -1}}}},
          .store = {{{2, 0}}}};
}

constexpr Chain<2, 2> stored(Store first, Store second) {
  return {.domain = {1, {4}}, .link = {{{.op = Op::parameter}, {}}}, .store = {{first, second}}};
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
  CHECK(are_apart<Array2<std::size_t>{0, 1}, Array2<std::size_t>{1, 0}>());
  CHECK(are_apart<Array3<std::size_t>{0, 1, 0}, Array3<std::size_t>{0, 0, 1}>());
  CHECK(are_apart<Array6<std::size_t>{{0, 1, 0}, {1, 0, 0}},
                  Array6<std::size_t>{{1, 0, 0}, {0, 1, 0}}>());
  CHECK(are_apart<access(0, 1, 0), access(0, 0, 1)>());
  CHECK(are_apart<Conv2dSpec{.padding = {0, 1}}, Conv2dSpec{.padding = {1, 0}}>());
  CHECK(are_apart<Pool2dSpec{.padding = {0, 1}}, Pool2dSpec{.padding = {1, 0}}>());
  CHECK(are_apart<Attributes{.order = {{0, 1, 2}, {}}}, Attributes{.order = {{0, 2, 1}, {}}}>());
  CHECK(are_apart<Attributes{.order = {{0, 1, 2}, {}}}, Attributes{.order = {{1, 0, 2}, {}}}>());
}

TEST_CASE("chains that differ in the place of a zero have functions of their own") {
  CHECK(are_apart<biased(access(0, 1, 0)), biased(access(0, 0, 1))>());
  CHECK(are_apart<biased(access(0, 1, 0)), biased(access(1, 0, 0))>());
  CHECK(are_apart<stored({0, 0}, {1, 1}), stored({1, 0}, {0, 1})>());
  CHECK(are_apart<stored({0, 0}, {1, 1}), stored({1, 1}, {0, 0})>());
}

TEST_CASE("networks in one file that differ in the place of a zero are all right") {
  CHECK(deviation<Beside>() < 1e-6);
  CHECK(deviation<Above>() < 1e-6);
  CHECK(deviation<PooledBeside>() < 1e-6);
  CHECK(deviation<PooledAbove>() < 1e-6);
  CHECK(deviation<Rows>() < 1e-6);
  CHECK(deviation<Columns>() < 1e-6);
}
