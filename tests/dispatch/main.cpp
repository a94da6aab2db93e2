// SPDX-License-Identifier: BSL-1.0
#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "models.hpp"
#include "numbers.hpp"

namespace {

using namespace models;
using namespace etch::literals;

// This file has no -m flag either: its target is what every machine has.
constexpr std::int64_t targets[] = {HWY_AVX3, HWY_AVX2, HWY_SSE4, HWY_SSSE3, HWY_STATIC_TARGET};

bool can_run(std::int64_t target) {
  hwy::SetSupportedTargetsForTest(0);
  return target == HWY_STATIC_TARGET || (hwy::SupportedTargets() & target) != 0;
}

bool has_fused_multiply_add(std::int64_t target) { return target <= HWY_AVX2; }

/// Models that are made while this lives take `target`.
class Forced {
 public:
  explicit Forced(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ~Forced() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

/// What a model says to the numbers, `calls` times in a row, with the instruction set it says.
template <class M, class Net>
std::vector<float> answers(const Parameters<Net>& parameters, std::int64_t target, int calls) {
  const Forced forced(target);
  const auto model = std::make_unique<M>(parameters);
  CHECK(std::string(model->target()) == hwy::TargetName(target));
  const auto x = numbers(M::inputs * static_cast<std::size_t>(calls));
  std::vector<float> result;
  for (std::size_t i = 0; i < x.size(); i += M::inputs) {
    const auto y = (*model)(std::span<const float, M::inputs>(x.data() + i, M::inputs));
    result.insert(result.end(), y.begin(), y.end());
  }
  return result;
}

void check_close(const std::vector<float>& found, const std::vector<float>& wanted) {
  REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i, found[i], wanted[i]);
    CHECK(std::abs(found[i] - wanted[i]) <= 1e-6f * (1 + std::abs(wanted[i])));
  }
}

/// The same bits from all targets with fused multiply-add, close ones from the others.
template <class M, class Net> void check_targets(int calls, const Parameters<Net>& parameters) {
  const auto scalar = answers<M>(parameters, HWY_STATIC_TARGET, calls);
  std::vector<float> fused;
  for (const std::int64_t target : targets) {
    if (!can_run(target)) continue;
    CAPTURE(hwy::TargetName(target));
    const auto found = answers<M>(parameters, target, calls);
    check_close(found, scalar);
    if (!has_fused_multiply_add(target)) continue;
    if (fused.empty()) fused = found;
    CHECK(found == fused);
  }
}

TEST_CASE("a dense model runs on every instruction set", "[dispatch]") {
  check_targets<DenseModel>(3, weights<Dense>());
}

TEST_CASE("smaller weights run on every instruction set", "[dispatch]") {
  check_targets<SmallModel>(3, quantize<int8>(weights<Dense>()));
}

TEST_CASE("a batch of images runs on every instruction set", "[dispatch]") {
  check_targets<ImageModel>(2, weights<Image>());
}

TEST_CASE("a stream runs on every instruction set", "[dispatch]") {
  check_targets<MemoryModel>(20, weights<Memory>());
}

TEST_CASE("a stream starts again after reset, and goes on from what was saved", "[dispatch]") {
  MemoryModel model(weights<Memory>());
  const std::array<float, 3> x = {1, 2, 3};
  const auto first = model(x);
  const auto saved = model.save();
  const auto second = model(x);
  CHECK(second != first);
  model.reset();
  CHECK(model(x) == first);
  model(x);
  model.restore(saved);
  CHECK(model(x) == second);
}

TEST_CASE("a dispatched model has its parameters by name, as they are", "[dispatch]") {
  DenseModel model(weights<Dense>());
  MemoryModel stream(weights<Memory>());
  CHECK(model.parameters() == weights<Dense>());
  CHECK(stream.parameters() == weights<Memory>());
  CHECK(DenseModel().parameters() == Parameters<Dense>());
  const auto y = model(X{});
  model["5.bias"_k](3) += 1;
  CHECK(model(X{})[3] == y[3] + 1);
  CHECK(stream["1.bias"_k](2) == weights<Memory>()["1.bias"_k](2));
}

TEST_CASE("dispatched models share weights", "[dispatch]") {
  Parameters<Dense> parameters = weights<Dense>();
  SharedDispatchedModel<Dense> model(parameters);
  model.warm_up();
  CHECK(model(X{}) == DenseModel(parameters)(X{}));
  parameters["5.bias"_k](3) += 1;
  CHECK(model(X{}) == DenseModel(parameters)(X{}));

  MemoryModel own(weights<Memory>());
  SharedDispatchedStreamingModel<Memory> voice(weights<Memory>());
  voice.warm_up();
  const std::array<float, 3> x = {1, 2, 3};
  for (int i = 0; i < 3; ++i) CHECK(voice(x) == own(x));
  own.reset();
  voice.restore(own.state());
  CHECK(voice(x) == own(x));
}

TEST_CASE("dispatched functions take parameters and memory of the caller", "[dispatch]") {
  const DispatchedInfer<Dense> run;
  Workspace<Dense> workspace;
  X x{};
  x[2] = 1;
  Y y;
  run(weights<Dense>(), workspace, x, y);
  CHECK(y == DenseModel(weights<Dense>())(x));

  const DispatchedStep<Memory> next;
  MemoryModel model(weights<Memory>());
  State<Memory> state;
  StreamWorkspace<Memory> memory;
  const std::array<float, 3> in = {1, 2, 3};
  std::array<float, MemoryModel::outputs> out;
  for (int i = 0; i < 3; ++i) {
    next(weights<Memory>(), state, memory, in, out);
    CHECK(out == model(in));
  }
}

TEST_CASE("without being forced, a model takes the best instruction set", "[dispatch]") {
  std::int64_t best = HWY_STATIC_TARGET;
  for (const std::int64_t target : targets) {
    if (target < best && can_run(target)) best = target;
  }
  CHECK(std::string(DenseModel().target()) == hwy::TargetName(best));
}

TEST_CASE("files with different flags share a network", "[dispatch]") {
  if (!can_run(HWY_AVX2)) return;
  X x;
  std::ranges::copy(numbers(x.size()), x.begin());
  const Fixed plain = run_without_flags(x), avx2 = run_with_avx2(x);
  CHECK(plain.stack == avx2.stack);  // the budget of any vectors, for it may be those that run
  const Forced forced(HWY_AVX2);
  CHECK(avx2.y == DenseModel(weights<Dense>())(x));
  check_close({plain.y.begin(), plain.y.end()}, {avx2.y.begin(), avx2.y.end()});
}

}  // namespace
