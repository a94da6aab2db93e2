// SPDX-License-Identifier: BSL-1.0
// Models and streams that refer to weights of somebody else; states that are saved and restored;
// models that warm up; budgets.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/model.hpp"
#include "etch/network/stream.hpp"
#include "oracle.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#include <sys/resource.h>
#endif

namespace {

using namespace etch;

using Image = Network<Input<1, 6, 6>, Conv2d<2, 3>, ReLU, MaxPool2d<2>, Flatten, Linear<3>>;
/// Remembers by a window and by a recurrence.
using Voice = Network<Input<2, 8>, Conv1d<3, 3, Causal<>>, Permute<1, 0>, GRU<4>>;
using Picture = std::array<float, 36>;
using Sound = std::array<float, 2>;
using Heard = std::vector<std::array<float, 4>>;

template <class Net> std::unique_ptr<Parameters<Net>> drawn(std::uint64_t seed) {
  auto parameters = std::make_unique<Parameters<Net>>();
  initialize(*parameters, seed);
  return parameters;
}

Picture picture(std::uint64_t seed) {
  Picture x{};
  std::ranges::copy(oracle::random_floats(36, seed), x.begin());
  return x;
}

std::vector<Sound> sounds(std::uint64_t seed) {
  const auto numbers = oracle::random_floats(40, seed);
  std::vector<Sound> result;
  for (std::size_t i = 0; i < 40; i += 2) result.push_back({numbers[i], numbers[i + 1]});
  return result;
}

template <class Stream> Heard heard(Stream& stream, const std::vector<Sound>& x) {
  Heard y;
  for (const Sound& sound : x) y.push_back(stream(sound));
  return y;
}

template <class S> bool same(const S& a, const S& b) {
  return a.steps == b.steps && std::ranges::equal(a.data, b.data);
}

}  // namespace

TEST_CASE("models that share weights do not disturb each other, and see the weights change") {
  const auto weights = drawn<Image>(1);
  SharedModel<Image> a(*weights), b(*weights);
  Model<Image> alone(*weights);
  const Picture x = picture(2), z = picture(3);
  const auto y = a(x);
  CHECK(y == alone(x));
  CHECK(b(z) == alone(z));
  CHECK(a(x) == y);
  CHECK(&a.parameters() == weights.get());
  weights->data[0] += 1;
  alone.parameters() = *weights;
  CHECK(a(x) != y);
  CHECK(a(x) == alone(x));
  CHECK(b(x) == alone(x));
}

TEST_CASE("voices with one set of weights each have a state of their own") {
  const auto weights = drawn<Voice>(1);
  StreamingModel<Voice> alone(*weights), other(*weights);
  std::array<SharedStreamingModel<Voice>, 2> voice = {SharedStreamingModel<Voice>(*weights),
                                                      SharedStreamingModel<Voice>(*weights)};
  const auto x = sounds(5), z = sounds(6);
  const Heard want_x = heard(alone, x), want_z = heard(other, z);
  CHECK(want_x != want_z);
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(voice[0](x[i]) == want_x[i]);
    CHECK(voice[1](z[i]) == want_z[i]);
  }
  voice[0].reset();
  CHECK(heard(voice[0], x) == want_x);
}

TEST_CASE("what shares weights is as large as what it does not share, and a pointer") {
  static_assert(sizeof(SharedModel<Image>) == sizeof(Workspace<Image>) + 64);
  static_assert(sizeof(Model<Image>) == sizeof(Workspace<Image>) + parameter_bytes<Image>);
  static_assert(sizeof(SharedStreamingModel<Voice, 2>) ==
                state_bytes<Voice, 2> + sizeof(StreamWorkspace<Voice, 2>) + 64);
  static_assert(!std::is_constructible_v<SharedModel<Image>, Parameters<Image>>);
  static_assert(!std::is_constructible_v<SharedStreamingModel<Voice>, Parameters<Voice>>);
  static_assert(std::is_trivially_copyable_v<SharedStreamingModel<Voice>>);
  SUCCEED();
}

TEST_CASE("a stream that is saved, goes on and is restored goes on with the same bits") {
  const auto weights = drawn<Voice>(1);
  StreamingModel<Voice> stream(*weights);
  heard(stream, sounds(5));
  const State<Voice> kept = stream.save();
  const auto z = sounds(6);
  const Heard want = heard(stream, z);
  CHECK(heard(stream, z) != want);
  stream.restore(kept);
  CHECK(same(stream.state(), kept));
  CHECK(heard(stream, z) == want);
  SharedStreamingModel<Voice> other(*weights);
  other.restore(kept);
  CHECK(heard(other, z) == want);
  static_assert(std::is_trivially_copyable_v<State<Voice>>);
  static_assert(noexcept(stream.save()) && noexcept(stream.restore(kept)));
}

TEST_CASE("warming up changes nothing") {
  const auto weights = drawn<Voice>(1);
  StreamingModel<Voice> stream(*weights), cold(*weights);
  const auto x = sounds(5);
  CHECK(heard(stream, x) == heard(cold, x));
  const State<Voice> before = stream.save();
  CHECK(before.steps == x.size());
  stream.warm_up();
  CHECK(same(stream.state(), before));
  CHECK(stream.parameters() == cold.parameters());
  CHECK(heard(stream, x) == heard(cold, x));

  Model<Image> model(*drawn<Image>(1)), cold_model(model.parameters());
  model.warm_up();
  CHECK(model.parameters() == cold_model.parameters());
  CHECK(model(picture(2)) == cold_model(picture(2)));
  static_assert(noexcept(stream.warm_up()) && noexcept(model.warm_up()));
}

#if defined(__linux__)
TEST_CASE("after warming up no page is missing") {
  using Wide = Network<Input<30000>, Softmax<>, Softmax<>>;
  static_assert(workspace_bytes<Wide> >= 100000);
  constexpr std::size_t inputs = Model<Wide>::inputs;
  const std::vector<float> x(inputs, 1.f);
  std::vector<float> y(inputs);
  const auto weights = std::make_unique<Parameters<Wide>>();
  const auto faults_of_a_call = [&](bool warm) {
    constexpr std::size_t bytes = sizeof(SharedModel<Wide>);
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    auto* const model = new (memory) SharedModel<Wide>(*weights);
    if (warm) model->warm_up();
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    (*model)(std::span<const float, inputs>(x), std::span<float, inputs>(y));
    getrusage(RUSAGE_SELF, &after);
    munmap(memory, bytes);
    return after.ru_minflt - before.ru_minflt;
  };
  faults_of_a_call(true);  // the code
  CHECK(faults_of_a_call(false) > 0);
  CHECK(faults_of_a_call(true) == 0);
}
#endif

TEST_CASE("budgets are constants, and grow with what they are for") {
  using Small = Network<Input<4>, Linear<8>, ReLU>;
  static_assert(parameter_bytes<Small> == 4 * (32 + 16));  // the bias has a cache line of its own
  static_assert(parameter_bytes<Small> == sizeof(Parameters<Small>));
  static_assert(flops_of<Small> == 8 * (2 * 4 + 1 + 1));
  static_assert(stack_bytes<Small> > 1024 && stack_bytes<Small> < 8192);
  using Deep = Network<Input<4>, Linear<8>, ReLU, Linear<8>, ReLU, Linear<8>, ReLU>;
  static_assert(stack_bytes<Deep> >= stack_bytes<Small>, "layers take turns");
  static_assert(stack_bytes<Deep> < 3 * stack_bytes<Small> - 2 * 1024);
  static_assert(stream_stack_bytes<Voice> > 1024 && stream_stack_bytes<Voice> < 12000);
  static_assert(state_bytes<Voice> == sizeof(State<Voice>));
  SUCCEED();
}
