// SPDX-License-Identifier: BSL-1.0
// Weights that come while models run: always one set and never a mixture, and all are freed.
#include "etch/network/live_parameters.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/model.hpp"

using namespace etch;

namespace {

using Net = Network<Input<8>, Linear<8>>;
using Live = LiveParameters<Net, 3>;

/// All weights are this number, and so is every output for x = (1, 0, 0, ...), doubled by the bias.
std::unique_ptr<const Parameters<Net>> all(float number) {
  auto parameters = std::make_unique<Parameters<Net>>();
  for (float& weight : parameters->data) weight = number;
  return parameters;
}

}  // namespace

TEST_CASE("readers see one set of weights while others are published") {
  Live live(all(1));
  std::atomic<bool> over = false;
  std::atomic<int> mixtures = 0, runs = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      Live::Reader reader(live);
      Workspace<Net> workspace;
      const std::array<float, 8> x = {1};
      std::array<float, 8> y;
      float latest = 0;
      while (!over) {
        reader.read([&](const Parameters<Net>& weights) {
          infer<Net, 1>(weights, workspace, x, y);
          for (const float value : y) mixtures += value != 2 * weights.data[0] ? 1 : 0;
          mixtures += weights.data[0] < latest ? 1 : 0;  // time does not run backwards
          latest = weights.data[0];
        });
        ++runs;
      }
    });
  }
  for (int i = 2; i < 2000 || runs < 1000; ++i) live.publish(all(static_cast<float>(i)));
  over = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(mixtures == 0);
  CHECK(live.collect() == 0);
}

TEST_CASE("weights are kept as long as they are read") {
  Live live(all(1));
  Live::Reader reader(live), other(live);
  const float seen = reader.read([&](const Parameters<Net>& weights) {
    live.publish(all(2));
    CHECK(live.collect() == 1);
    CHECK(other.read([&](const Parameters<Net>& newer) {
      live.publish(all(3));
      CHECK(live.collect() == 2);
      return newer.data[0];
    }) == 2);
    CHECK(live.collect() == 2);  // the second set as well: it was there when the reader began
    return weights.data[0];
  });
  CHECK(seen == 1);
  CHECK(live.collect() == 0);
  CHECK(reader.read([](const Parameters<Net>& weights) { return weights.data[0]; }) == 3);
}

TEST_CASE("a reader that was moved reads, and keeps one place") {
  LiveParameters<Net, 1> live(all(1));
  {
    Result<LiveParameters<Net, 1>::Reader> first = live.reader();
    REQUIRE(first);
    LiveParameters<Net, 1>::Reader moved = std::move(first).value();
    CHECK(moved.read([](const Parameters<Net>& weights) { return weights.data[0]; }) == 1);
    CHECK_FALSE(live.reader());
  }
  CHECK(live.reader());
}

TEST_CASE("a reader that goes leaves its place") {
  Live live(all(1));
  const Live::Reader first(live), second(live);
  { const Live::Reader third(live); }
  const Live::Reader third(live);
  CHECK_THROWS_AS(Live::Reader(live), std::runtime_error);
  CHECK(live.reader().error().message == "all 3 places of readers of these weights are taken");
}
