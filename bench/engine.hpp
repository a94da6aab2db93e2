// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "workload.hpp"

// An engine is a class with `run()`, one call of what is to be timed. It is given everything before
// (weights in its own layout, buffers, compiled primitives), so that `run()` is what a program with
// a latency to keep would do for each sample or step.

namespace bench {

template <class E>
concept Engine = requires(E engine, const E result) {
  { engine.run() };
  /// Of the last call. Inference: [batch, outputs]. Product: C. Training: one number, the mean
  /// loss of the batch before the step.
  { result.output() } -> std::convertible_to<std::span<const float>>;
};

/// Engines that train or carry state from call to call also go back to where they began.
template <class E>
concept Resets = requires(E engine) { engine.reset(); };

/// What the calls of an engine on a stream read: one input after the other, and then from the first
/// one again.
class Stream {
 public:
  explicit Stream(const Workload& w) : x_(w.x), inputs_(w.inputs()) {}
  void reset() { at_ = 0; }
  const float* next() {
    const float* input = x_.data() + at_;
    at_ = at_ + inputs_ == x_.size() ? 0 : at_ + inputs_;
    return input;
  }

 private:
  std::span<const float> x_;
  std::size_t inputs_, at_ = 0;
};

/// An engine ready to run, its type forgotten once a batch of calls and not once a call.
class Job {
 public:
  virtual ~Job() = default;
  virtual void run(std::size_t calls) = 0;
  virtual void reset() = 0;
  virtual std::span<const float> output() const = 0;
};

template <Engine E> class JobOf final : public Job {
 public:
  template <class... X> explicit JobOf(X&&... x) : engine_(std::forward<X>(x)...) {}

  void run(std::size_t calls) override {
    for (std::size_t i = 0; i < calls; ++i) {
      engine_.run();
      asm volatile("" : : "r"(&engine_) : "memory");  // every call reads its input anew
    }
  }
  void reset() override {
    if constexpr (Resets<E>) engine_.reset();
  }
  std::span<const float> output() const override { return engine_.output(); }

 private:
  E engine_;
};

/// What an engine says to a workload: a job, or null if it has nothing to offer there.
using Offer = std::unique_ptr<Job> (*)(const Workload&);
using ProductOffer = std::unique_ptr<Job> (*)(const Product&);

struct EngineEntry {
  std::string name;
  Offer network = nullptr;
  ProductOffer product = nullptr;
  float tolerance = 1e-4f;  ///< of its numbers, relative to the largest
};

/// The engines of this build, etch first (engines.cpp, made by CMake from what it found).
const std::vector<EngineEntry>& engines();

}  // namespace bench
