// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <memory>
#include <span>

#include "../engine.hpp"
#include "../networks.hpp"

// Engines around etch's models, whichever they are. Dispatched ones want their own header first.

namespace bench {

/// A model and a place for what it says.
template <class Model> struct WithOutput {
  Model model;
  alignas(64) std::array<float, Model::outputs> y;
};

/// One sample a call.
template <class Model> class OneSample {
 public:
  explicit OneSample(const Workload& w) : x_(w.x.data(), Model::inputs) {
    load(memory_->model.parameters(), w);
  }
  void run() { memory_->model(x_, memory_->y); }
  std::span<const float> output() const { return memory_->y; }

 private:
  std::unique_ptr<WithOutput<Model>> memory_ = std::make_unique<WithOutput<Model>>();
  std::span<const float, Model::inputs> x_;
};

/// The next steps of a stream.
template <class Model> class NextSteps {
 public:
  explicit NextSteps(const Workload& w) : stream_(w) { load(memory_->model.parameters(), w); }
  void reset() {
    stream_.reset();
    memory_->model.reset();
  }
  void run() {
    memory_->model(std::span<const float, Model::inputs>(stream_.next(), Model::inputs),
                   memory_->y);
  }
  std::span<const float> output() const { return memory_->y; }

 private:
  std::unique_ptr<WithOutput<Model>> memory_ = std::make_unique<WithOutput<Model>>();
  Stream stream_;
};

}  // namespace bench
