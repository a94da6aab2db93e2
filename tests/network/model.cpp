// SPDX-License-Identifier: BSL-1.0
// A network that runs: the calls, their numbers, memory and threads.
#include "etch/network/model.hpp"

#include <algorithm>
#include <array>
#include <boost/mp11/algorithm.hpp>
#include <cfenv>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;
using etch::literals::operator""_k;

using Image = Network<Input<2, 6, 5>, Conv2d<3, 3, Padding<1>>, ReLU, MaxPool2d<2>, Flatten,
                      Linear<5>, Tanh>;
/// Twelve layers, two functions.
using Deep = Network<Input<8>, Linear<8>, Sigmoid, Linear<8>, Sigmoid, Linear<8>, Sigmoid,
                     Linear<8>, Sigmoid, Residual<Linear<8>>, Residual<Linear<8>>>;

template <class Net, std::size_t batch>
std::vector<float> inferred(const Parameters<Net>& parameters, const std::vector<float>& x) {
  std::vector<float> y(batch * OutputShape<Net>::size, -77.f);
  const auto workspace = std::make_unique<Workspace<Net, batch>>();
  std::ranges::fill(workspace->data, std::numeric_limits<float>::quiet_NaN());
  infer<Net, batch>(parameters, *workspace,
                    std::span<const float, batch * InputShape<Net>::size>(x),
                    std::span<float, batch * OutputShape<Net>::size>(y));
  return y;
}

template <class Net> Parameters<Net> drawn(std::uint64_t seed) {
  Parameters<Net> parameters;
  initialize(parameters, seed);
  return parameters;
}

template <class List> struct routines;
template <class... B> struct routines<mp::mp_list<B...>> {
  using type = mp::mp_list<
      HWY_NAMESPACE::Routine<InferenceTape<typename B::layers, typename B::input, 1>>...>;
};

}  // namespace

TEST_CASE("inference gives what the formulas say, whatever the workspace held") {
  const auto parameters = drawn<Image>(1);
  const auto x = oracle::random_floats(3 * 60, 2);
  CHECK(oracle::deviation(inferred<Image, 3>(parameters, x),
                          oracle::outputs(parameters, x, 3)) < 1e-6);
  const std::vector<float> first(x.begin(), x.begin() + 60);
  CHECK(oracle::deviation(inferred<Image, 1>(parameters, first),
                          oracle::outputs(parameters, first, 1)) < 1e-6);
}

TEST_CASE("a model takes arrays, C arrays and spans, and gives what infer gives") {
  const auto x = oracle::random_floats(60, 3);
  Model<Image> model(drawn<Image>(1));
  const auto expected = inferred<Image, 1>(model.parameters(), x);
  const auto agrees = [&](const std::array<float, 5>& y) {
    return std::ranges::equal(y, expected);
  };
  std::array<float, 60> array{};
  float c_array[60];
  std::ranges::copy(x, array.begin());
  std::ranges::copy(x, c_array);
  CHECK(agrees(model(array)));
  CHECK(agrees(model(c_array)));
  CHECK(agrees(model(std::span<const float, 60>(x))));
  CHECK(agrees(model(std::span<float, 60>(array))));
  std::array<float, 5> y{};
  model(array, y);
  CHECK(agrees(y));
  CHECK(agrees(Model<Image>(1)(array)));
}

TEST_CASE("inputs and outputs need no alignment, and nothing beside them is touched") {
  const auto x = oracle::random_floats(61, 4);
  Model<Image> model(1);
  std::array<float, 60> aligned{};
  std::copy(x.begin() + 1, x.end(), aligned.begin());
  std::array<float, 8> y{};
  y.fill(-77);
  model(std::span<const float, 60>(x.data() + 1, 60), std::span<float, 5>(y.data() + 1, 5));
  CHECK(std::ranges::equal(std::span(y).subspan(1, 5), model(aligned)));
  CHECK((y[0] == -77 && y[6] == -77 && y[7] == -77));
}

TEST_CASE("a new model has weights of zero until they are set by name") {
  Model<Deep> model;
  std::array<float, 8> x{1, 2, 3, 4, 5, 6, 7, 8};
  // sigmoid(0), and both residuals add nothing
  for (const float y : model(x)) CHECK(y == 0.5f);
  model["9.0.bias"_k](2) = 1;
  CHECK(model(x) == std::array{0.5f, 0.5f, 1.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f});
  // Row 4, column 2 of PyTorch's weight: from x[2] to y[4].
  model["8.0.weight"_k](4, 2) = 8;
  CHECK(model(x) == std::array{0.5f, 0.5f, 1.5f, 0.5f, 4.5f, 0.5f, 0.5f, 0.5f});
  CHECK(model.parameters()["8.0.weight"_k](4, 2) == 8);
  const Model<Deep> copy(model);
  CHECK(copy["9.0.bias"_k](2) == 1);
}

TEST_CASE("equal blocks are one function wherever they stand") {
  using List = Blocks<Deep>;
  static_assert(mp::mp_size<List>::value == 6);
  using Functions = routines<List>::type;
  static_assert(mp::mp_size<mp::mp_unique<Functions>>::value == 2);
  static_assert(!std::is_same_v<mp::mp_at_c<List, 0>, mp::mp_at_c<List, 3>>, "names differ");
  CHECK(&mp::mp_at_c<Functions, 0>::run == &mp::mp_at_c<Functions, 3>::run);
  CHECK(&mp::mp_at_c<Functions, 4>::run == &mp::mp_at_c<Functions, 5>::run);
  CHECK(&mp::mp_at_c<Functions, 0>::run != &mp::mp_at_c<Functions, 4>::run);
  const auto parameters = drawn<Deep>(5);
  const auto x = oracle::random_floats(8, 6);
  CHECK(oracle::deviation(inferred<Deep, 1>(parameters, x),
                          oracle::outputs(parameters, x, 1)) < 1e-6);
}

TEST_CASE("the size of the working memory is a constant") {
  // Five blocks hand on eight numbers each: two buffers that take turns.
  static_assert(workspace_bytes<Deep> == 2 * 64);
  static_assert(sizeof(Workspace<Deep>) == workspace_bytes<Deep>);
  static_assert(sizeof(Workspace<Image, 3>) == workspace_bytes<Image, 3>);
  static_assert(workspace_bytes<Image, 3> > workspace_bytes<Image>);
  static_assert(alignof(Workspace<Image>) == 64 && std::is_trivially_copyable_v<Workspace<Image>>);
  static_assert(workspace_bytes<Network<Input<8>, Tanh, Sigmoid>> == 0, "one block, no buffer");
}

TEST_CASE("the hot path does not throw") {
  using X = std::array<float, 60>;
  using Y = std::span<float, 5>;
  static_assert(noexcept(std::declval<Model<Image>&>()(std::declval<X>())));
  static_assert(noexcept(std::declval<Model<Image>&>()(std::declval<X>(), std::declval<Y>())));
  static_assert(noexcept(infer<Image, 1>(
      std::declval<Parameters<Image>>(), std::declval<Workspace<Image, 1>&>(),
      std::declval<std::span<const float, 60>>(), std::declval<Y>())));
  SUCCEED();
}

TEST_CASE("threads share parameters, each with a workspace of its own") {
  constexpr std::size_t samples = 64;
  const auto parameters = drawn<Image>(7);
  const auto x = oracle::random_floats(samples * 60, 8);
  const auto run = [&](std::vector<float>& y) {
    const auto workspace = std::make_unique<Workspace<Image>>();
    for (int round = 0; round < 20; ++round) {
      for (std::size_t i = 0; i < samples; ++i) {
        infer<Image, 1>(parameters, *workspace, std::span<const float, 60>(&x[i * 60], 60),
                        std::span<float, 5>(&y[i * 5], 5));
      }
    }
  };
  std::vector<std::vector<float>> results(4, std::vector<float>(samples * 5));
  std::vector<std::thread> threads;
  for (auto& y : results) threads.emplace_back([&] { run(y); });
  for (std::thread& thread : threads) thread.join();
  std::vector<float> alone(samples * 5);
  run(alone);
  for (const auto& y : results) CHECK(y == alone);
}

TEST_CASE("under FlushDenormals denormal numbers are zero, afterwards they are themselves again") {
  using Net = Network<Input<2>, Linear<2, Bias<false>>, Linear<2, Bias<false>>>;
  Parameters<Net> parameters;
  parameters["0.weight"_k].copy_from(std::array{1e-20f, 0.f, 0.f, 1.f});
  parameters["1.weight"_k].copy_from(std::array{1.f, 0.f, 0.f, 1.f});
  Model<Net> model(parameters);
  const std::array<float, 2> x = {1e-20f, 1.f};
  CHECK(model(x)[0] > 0);  // 1e-40
  {
    const FlushDenormals guard;
    const auto y = model(x);
    CHECK(y[1] == 1);
#if defined(__SSE__) || defined(__aarch64__)
    CHECK(y[0] == 0);
#endif
  }
  CHECK(model(x)[0] > 0);
}

TEST_CASE("FlushDenormals leaves the thread as it was found") {
  volatile float small = 1e-30f;
  const auto product = [&] {
    volatile float y = small * 1e-10f;  // stored, and so computed here and not elsewhere
    return y;
  };
  const int rounding = std::fegetround();
  REQUIRE(std::fesetround(FE_UPWARD) == 0);
  {
    const FlushDenormals outer;
    { const FlushDenormals inner; }
#if defined(__SSE__) || defined(__aarch64__)
    CHECK(product() == 0);  // still, as outer found another mode than inner
#endif
    CHECK(std::fegetround() == FE_UPWARD);
  }
  CHECK(product() > 0);
  CHECK(std::fegetround() == FE_UPWARD);
  std::fesetround(rounding);
}
