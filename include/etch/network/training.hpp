// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_NETWORK_TRAINING_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_TRAINING_HPP
#undef ETCH_NETWORK_TRAINING_HPP
#else
#define ETCH_NETWORK_TRAINING_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "etch/data/random.hpp"
#include "etch/network/backpropagation.hpp"
#include "etch/network/flush_denormals.hpp"
#include "etch/network/parameters.hpp"
#include "etch/network/update.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

/// A network in training: all its numbers, and the two things that are executed, a step and a look
/// at the loss. Large; place it on the heap.
template <class Net, class Loss, class Optimizer, std::size_t batch> class Training {
  using S = OutputShape<Net>;
  using Target = typename Loss::template Target<S>;
  using Gradient = Backpropagation<Net, Loss, batch>;
  static constexpr std::size_t trained = trained_floats_of<Net>;
  static constexpr std::size_t slots = std::max<std::size_t>(Optimizer::slots * trained, 1);

 public:
  /// Bytes of stack that a step may use, compiled with -O2. Its calls are twice as deep as those
  /// of inference.
  static constexpr std::size_t stack_bytes = [] {
    std::size_t most = Gradient::stack;
    if constexpr (trained != 0) most = std::max(most, Update<Optimizer, trained>::stack);
    return 2 * frame_bytes + most + (Gradient::keys + 1) * sizeof(float);
  }();

  /// `seed` is that of random numbers in formulas; parameters are zero.
  explicit Training(std::uint64_t seed) : seed_(seed) {}

  Parameters<Net> parameters, gradients;

  // A batch that the owner fills: x [batch, input], target [batch, target], weight [batch].
  alignas(64) float x[batch * InputShape<Net>::size] = {};
  alignas(64) float target[batch * Target::size] = {};
  alignas(64) float weight[batch] = {};

  /// One step on a batch, weighted as `weight` says. Returns the weighted sum of the losses before
  /// it. If that is not a finite number, parameters and moments stay as they are.
  float step(const Optimizer& optimizer, const float* inputs, const float* targets) noexcept {
    const FlushDenormals guard;
    float keys[Gradient::keys + 1] = {};
    draw(keys);
    const float loss =
        Gradient::run(parameters.data, inputs, targets, weight, keys, gradients.data, workspace_);
    if (std::isfinite(loss)) {
      ++steps_;
      if constexpr (trained != 0) {
        Update<Optimizer, trained>::run(optimizer, steps_, parameters.data, gradients.data, slots_);
      }
      if constexpr (trained != Parameters<Net>::floats) renew_buffers();
    }
    return loss;
  }

  /// The weighted sum of the losses of the batch, without a step.
  float evaluate() noexcept {
    const FlushDenormals guard;
    return Gradient::evaluate(parameters.data, x, target, weight, workspace_);
  }

  /// Of the last batch: [batch, output].
  const float* predictions() const noexcept { return Gradient::predictions(workspace_); }

  /// Keeps parameters and the optimizer's memory, to go back to.
  void remember() noexcept {
    good_ = parameters;
    std::ranges::copy(slots_, good_slots_);
    good_steps_ = steps_;
  }
  void go_back() noexcept {
    parameters = good_;
    std::ranges::copy(good_slots_, slots_);
    steps_ = good_steps_;
  }

 private:
  /// The keys of the step that comes. One that failed and is tried again has the same.
  void draw(float* keys) const noexcept {
    if constexpr (Gradient::keys != 0) {
      Random random(seed_, RandomUse::dropout, static_cast<std::uint32_t>(steps_));
      for (std::size_t i = 0; i < Gradient::keys; ++i) keys[i] = static_cast<float>(random() >> 8);
    }
  }

  void renew_buffers() noexcept {
    for (const PlacedParameter& p : parameter_table<Net>) {
      if (p.info.role != Role::buffer) continue;
      std::copy_n(gradients.data + p.offset, p.info.shape.size(), parameters.data + p.offset);
    }
  }

  std::uint64_t seed_;
  Parameters<Net> good_;
  alignas(64) float slots_[slots] = {};
  alignas(64) float good_slots_[slots] = {};
  alignas(64) float workspace_[Gradient::workspace] = {};
  std::uint64_t steps_ = 0, good_steps_ = 0;
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace etch {
using HWY_NAMESPACE::Training;
}  // namespace etch

#endif
