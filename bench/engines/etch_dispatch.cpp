// SPDX-License-Identifier: BSL-1.0
// etch compiled without any -m flag, its instruction set chosen when the program runs.
#include <etch/dispatch.hpp>

#include <array>
#include <memory>
#include <span>

#include "../engine.hpp"
#include "../networks.hpp"

namespace bench {

namespace {

template <class Net> class Dispatched {
  using Model = etch::DispatchedModel<Net>;

 public:
  explicit Dispatched(const Workload& w) : x_(w.x.data(), Model::inputs) {
    load(memory_->model.parameters(), w);
  }
  void run() { memory_->model(x_, memory_->y); }
  std::span<const float> output() const { return memory_->y; }

 private:
  struct Memory {
    Model model;
    alignas(64) std::array<float, Model::outputs> y;
  };
  std::unique_ptr<Memory> memory_ = std::make_unique<Memory>();
  std::span<const float, Model::inputs> x_;
};

template <class Net, std::size_t n> class DispatchedStream {
  using Model = etch::DispatchedStreamingModel<Net, n>;

 public:
  explicit DispatchedStream(const Workload& w) : stream_(w) {
    load(memory_->model.parameters(), w);
  }
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
  struct Memory {
    Model model;
    alignas(64) std::array<float, Model::outputs> y;
  };
  std::unique_ptr<Memory> memory_ = std::make_unique<Memory>();
  Stream stream_;
};

}  // namespace

std::unique_ptr<Job> etch_dispatch_network(const Workload& w) {
  std::unique_ptr<Job> job;
  for_each_network([&]<class R>(R row) {
    if constexpr (!R::trains && R::batch == 1) {
      if (w.name == row.name) job = std::make_unique<JobOf<Dispatched<typename R::Net>>>(w);
    }
  });
  for_each_stream([&]<class R>(R row) {
    using E = DispatchedStream<typename R::Net, R::block>;
    if (w.name == row.name) job = std::make_unique<JobOf<E>>(w);
  });
  return job;
}

}  // namespace bench
