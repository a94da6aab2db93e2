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
