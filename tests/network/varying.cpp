// SPDX-License-Identifier: BSL-1.0
// Sizes that are known at run time only, against networks of that size.
#include "etch/network/varying.hpp"

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "etch/etch.hpp"

using namespace etch;

namespace {

std::vector<float> wave(std::size_t n) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = std::sin(0.37f * static_cast<float>(i * i % 101));
  return x;
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  float most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return INFINITY;
    most = std::max(most, std::abs(a[i] - b[i]));
  }
  return most;
}

using Small = Network<Input<5>, Linear<7>, Tanh, Linear<3>>;

template <std::size_t count> void check_samples(const Parameters<Small>& parameters) {
  const auto x = wave(count * 5);
  std::vector<float> y(count * 3, NAN), expected(count * 3);
  const auto varying = std::make_unique<ManyWorkspace<Small, 8>>();
  const auto fixed = std::make_unique<Workspace<Small, count>>();
  infer_many(parameters, *varying, x, y);
  infer<Small, count>(parameters, *fixed, std::span<const float, count * 5>(x),
                      std::span<float, count * 3>(expected));
  INFO(count << " samples");
  CHECK(largest_difference(y, expected) < 1e-6f);
}

/// Net<T> is the network for T steps.
template <template <std::size_t> class Net, std::size_t length>
float difference_to_static() {
  using Long = Net<16>;
  using Short = Net<length>;
  static_assert(parameter_floats_of<Long> == parameter_floats_of<Short>);
  const auto parameters = std::make_unique<Parameters<Long>>();
  initialize(*parameters, 7);
  const auto same = std::make_unique<Parameters<Short>>();
  std::memcpy(same->data, parameters->data, sizeof same->data);

  const auto x = wave(InputShape<Short>::size);
  std::vector<float> y(OutputShape<Short>::size, NAN), expected(y.size());
  const auto memory = std::make_unique<SequenceWorkspace<Long>>();
  const auto workspace = std::make_unique<Workspace<Short>>();
  for (int run = 0; run < 2; ++run) infer_sequence(*parameters, *memory, x, y);
  infer<Short, 1>(*same, *workspace, std::span<const float, InputShape<Short>::size>(x),
                  std::span<float, OutputShape<Short>::size>(expected));
  return largest_difference(y, expected);
}

template <std::size_t t> using Convolutions =
    Network<Input<2, t>, Conv1d<4, 3, Causal<>>, Tanh, Conv1d<3, 2, Dilation<2>, Causal<>>>;
template <std::size_t t> using Recurrences = Network<Input<t, 3>, Linear<4>, LSTM<5>, Linear<2>>;
template <std::size_t t> using Decoder =
    Network<Input<t, 4>, SinusoidalEncoding<>,
            TransformerEncoderLayer<2, 8, Causal<>, Dropout<0.0>>, Linear<3>>;

/// Positions behind the length, and nodes without an edge, fill the rest of a fixed size.
using Encoder = TransformerEncoderLayer<2, 8, Dropout<0.0>>;
template <std::size_t t>
using Padded =
    Network<Inputs<Shape<t, 4>, Shape<>>, OnAll<Encoder>, OnAll<Encoder>, TakeFirst>;
template <std::size_t t> using Exact = Network<Input<t, 4>, Encoder, Encoder>;
template <std::size_t n>
using Graph = Network<Inputs<Shape<n, 3>, Shape<n, n>>, OnAll<GraphConv<5>>, OnFirst<ReLU>,
                      OnAll<GraphAttention<2>>, TakeFirst>;

/// Weights of equal networks for different sizes, by their order.
template <class To, class From> std::unique_ptr<Parameters<To>> same_weights(const From& from) {
  auto to = std::make_unique<Parameters<To>>();
  static_assert(sizeof to->data == sizeof from.data);
  std::memcpy(to->data, from.data, sizeof to->data);
  return to;
}

template <class Net> std::vector<float> run(const Parameters<Net>& parameters,
                                            const std::vector<float>& x) {
  const auto model = std::make_unique<Model<Net>>(parameters);
  std::vector<float> y(OutputShape<Net>::size);
  (*model)(std::span<const float, InputShape<Net>::size>(x),
           std::span<float, OutputShape<Net>::size>(y));
  return y;
}

}  // namespace

TEST_CASE("any number of samples gives what a batch of that size gives") {
  const auto parameters = std::make_unique<Parameters<Small>>();
  initialize(*parameters, 3);
  check_samples<1>(*parameters);
  check_samples<7>(*parameters);
  check_samples<8>(*parameters);
  check_samples<19>(*parameters);
  const auto workspace = std::make_unique<ManyWorkspace<Small, 8>>();
  infer_many(*parameters, *workspace, {}, {});
}

TEST_CASE("a sequence of any length gives what a network of that length gives") {
  CHECK(difference_to_static<Convolutions, 1>() < 1e-6f);
  CHECK(difference_to_static<Convolutions, 11>() < 1e-6f);
  CHECK(difference_to_static<Decoder, 7>() < 1e-6f);
  CHECK(difference_to_static<Recurrences, 9>() == 0);
}

TEST_CASE("what stands behind the length of a sequence does not change what is before") {
  const auto parameters = std::make_unique<Parameters<Padded<9>>>();
  initialize(*parameters, 5);
  std::vector<float> x = wave(9 * 4);
  const std::vector<float> expected =
      run(*same_weights<Exact<6>>(*parameters), {x.begin(), x.begin() + 6 * 4});
  x.push_back(6);
  std::vector<float> y = run(*parameters, x);
  y.resize(6 * 4);
  CHECK(largest_difference(y, expected) < 1e-6f);
}

TEST_CASE("nodes without an edge do not change the others of a graph") {
  const auto parameters = std::make_unique<Parameters<Graph<6>>>();
  initialize(*parameters, 5);
  const std::vector<float> features = wave(6 * 3);
  const auto edge = [](std::size_t i, std::size_t j) {
    return i != j && (i + j) % 3 != 0 ? 1.f : 0.f;
  };
  std::vector<float> small(features.begin(), features.begin() + 4 * 3), large = features;
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) small.push_back(edge(i, j));
  }
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j < 6; ++j) large.push_back(i < 4 && j < 4 ? edge(i, j) : 0.f);
  }
  std::vector<float> y = run(*parameters, large);
  const std::vector<float> expected = run(*same_weights<Graph<4>>(*parameters), small);
  y.resize(expected.size());
  CHECK(largest_difference(y, expected) < 1e-6f);
}
