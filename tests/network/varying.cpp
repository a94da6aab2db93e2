// SPDX-License-Identifier: BSL-1.0
// Sizes that are known at run time only, against networks of that size.
#include "etch/network/varying.hpp"

#include <algorithm>
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

/// All steps are needed at once.
using Layer = TransformerEncoderLayer<2, 8, Dropout<0.0>>;
template <std::size_t t> using Encoder = Network<Input<t, 4>, Layer, Layer, Linear<3>>;
template <std::size_t t>
using BothWays = Network<Input<t, 3>, LSTM<4, Bidirectional<>>, Linear<2>, Softmax<>>;

struct MeanOfRows {
  template <Expr X> static constexpr auto formula(X x) { return mean<0>(x); }
};
/// One answer for a text: the rest is neither in its attention nor in its mean.
template <std::size_t t>
using Classifier = Network<Input<t>, Embedding<7, 4>, SinusoidalEncoding<>, Layer, MeanOfRows,
                           Linear<3>, LogSoftmax<>>;

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

TEST_CASE("a sequence that is needed as a whole may be shorter") {
  CHECK(difference_to_static<Encoder, 1>() < 1e-6f);
  CHECK(difference_to_static<Encoder, 11>() < 1e-6f);
  CHECK(difference_to_static<Encoder, 16>() == 0);
  CHECK(difference_to_static<BothWays, 5>() < 1e-6f);
  CHECK(difference_to_static<Classifier, 9>() < 1e-6f);
}

TEST_CASE("a graph may have less nodes") {
  const auto parameters = std::make_unique<Parameters<Graph<12>>>();
  initialize(*parameters, 5);
  const auto memory = std::make_unique<UpToWorkspace<Graph<12>, node_count>>();
  std::vector<float> x = wave(7 * 3);
  for (std::size_t i = 0; i < 7; ++i) {
    for (std::size_t j = 0; j < 7; ++j) x.push_back(i != j && (i + j) % 3 != 0 ? 1.f : 0.f);
  }
  const std::vector<float> expected = run(*same_weights<Graph<7>>(*parameters), x);
  std::vector<float> y(expected.size(), NAN);
  infer_up_to(*parameters, *memory, 7, x, y);
  CHECK(largest_difference(y, expected) < 1e-6f);
}

TEST_CASE("what is behind the length of a run is not computed") {
  using Long = Network<Input<64, 16>, TransformerEncoderLayer<2, 32, Dropout<0.0>>>;
  const auto parameters = std::make_unique<Parameters<Long>>();
  initialize(*parameters, 5);
  const auto memory = std::make_unique<UpToWorkspace<Long>>();
  const auto x = wave(64 * 16);
  std::vector<float> y(64 * 16);
  static constexpr float untouched = 12345;
  const auto written = [&](std::size_t n) {
    std::ranges::fill(memory->data, untouched);
    infer_up_to(*parameters, *memory, n, std::span(x).first(n * 16), std::span(y).first(n * 16));
    return std::ranges::count_if(memory->data, [](float f) { return f != untouched; });
  };
  const auto all = written(64);
  CHECK(written(32) < all * 3 / 5);
  CHECK(written(16) < all * 3 / 10);
}
