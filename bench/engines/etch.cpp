// SPDX-License-Identifier: BSL-1.0
// etch as its users call it: Model, infer, Trainer.
#include <array>
#include <memory>
#include <optional>
#include <span>

#include <etch/network/quantized.hpp>

#include "etch_models.hpp"

namespace bench {

namespace {

/// The denormal case with a guard in every call; users hold one for longer.
template <class Net> class EtchFlushing : public OneSample<etch::Model<Net>> {
 public:
  using OneSample<etch::Model<Net>>::OneSample;
  void run() {
    const etch::FlushDenormals guard;
    OneSample<etch::Model<Net>>::run();
  }
};

/// With smaller weights.
template <class Net, class T> class EtchQuantized {
  static constexpr std::size_t inputs = etch::InputShape<Net>::size;

 public:
  explicit EtchQuantized(const Workload& w) : x_(w.x.data(), inputs) {
    const auto floats = std::make_unique<etch::Parameters<Net>>();
    load(*floats, w);
    memory_->model.parameters() = etch::quantize<T>(*floats);
  }
  void run() { memory_->model(x_, memory_->y); }
  std::span<const float> output() const { return memory_->y; }

 private:
  struct Memory {
    etch::Model<etch::Quantized<Net, T>> model;
    alignas(64) std::array<float, etch::OutputShape<Net>::size> y;
  };
  std::unique_ptr<Memory> memory_ = std::make_unique<Memory>();
  std::span<const float, inputs> x_;
};

template <class Net, std::size_t batch> class EtchInference {
  static constexpr std::size_t inputs = batch * etch::InputShape<Net>::size;

 public:
  explicit EtchInference(const Workload& w) : x_(w.x.data(), inputs) {
    load(memory_->parameters, w);
  }
  void run() { etch::infer<Net, batch>(memory_->parameters, memory_->workspace, x_, memory_->y); }
  std::span<const float> output() const { return memory_->y; }

 private:
  struct Memory {
    etch::Parameters<Net> parameters;
    etch::Workspace<Net, batch> workspace;
    alignas(64) std::array<float, batch * etch::OutputShape<Net>::size> y;
  };
  std::unique_ptr<Memory> memory_ = std::make_unique<Memory>();
  std::span<const float, inputs> x_;
};

template <class R> class EtchTraining {
  using Net = typename R::Net;
  static constexpr std::size_t inputs = R::batch * etch::InputShape<Net>::size;

 public:
  explicit EtchTraining(const Workload& w) : workload_(w), target_(floats_of_targets(w)) {
    reset();
  }
  void reset() { load(trainer_.emplace().parameters(), workload_); }
  void run() {
    loss_ = trainer_->step(std::span<const float, inputs>(workload_.x),
                           std::span<const float, targets_of<R>>(target_));
  }
  std::span<const float> output() const { return {&loss_, 1}; }

 private:
  const Workload& workload_;
  Floats target_;
  std::optional<etch::Trainer<Net, typename R::Loss, Optimizer, etch::Batch<R::batch>>> trainer_;
  float loss_ = 0;
};

/// A product as a network: x [n, n] times a parameter [n, n].
template <std::size_t n> struct Times {
  template <etch::Expr X> static constexpr auto formula(X x) {
    return matmul(x, etch::parameter<"weight", etch::Shape<n, n>, etch::Zeros>);
  }
};

template <std::size_t n> class EtchProduct {
  using Net = etch::Network<etch::Input<n, n>, Times<n>>;

 public:
  explicit EtchProduct(const Product& p) : a_(p.a.data(), n * n) {
    auto b = memory_->parameters.template tensor<0>();
    b.copy_from(std::span<const float, n * n>(p.b.data(), n * n));
  }
  void run() { etch::infer<Net, 1>(memory_->parameters, memory_->workspace, a_, memory_->c); }
  std::span<const float> output() const { return memory_->c; }

 private:
  struct Memory {
    etch::Parameters<Net> parameters;
    etch::Workspace<Net, 1> workspace;
    alignas(64) std::array<float, n * n> c;
  };
  std::unique_ptr<Memory> memory_ = std::make_unique<Memory>();
  std::span<const float, n * n> a_;
};

}  // namespace

std::unique_ptr<Job> etch_network(const Workload& w) {
  std::unique_ptr<Job> job;
  for_each_network([&]<class R>(R row) {
    if (w.name != row.name) return;
    if constexpr (R::trains) {
      job = std::make_unique<JobOf<EtchTraining<R>>>(w);
    } else if constexpr (R::batch == 1) {
      job = std::make_unique<JobOf<OneSample<etch::Model<typename R::Net>>>>(w);
    } else {
      job = std::make_unique<JobOf<EtchInference<typename R::Net, R::batch>>>(w);
    }
  });
  for_each_stream([&]<class R>(R row) {
    using E = NextSteps<etch::StreamingModel<typename R::Net, R::block>>;
    if (w.name == row.name) job = std::make_unique<JobOf<E>>(w);
  });
  for_each_trained_sequence([&]<class R>(R row) {
    if (w.name == row.name) job = std::make_unique<JobOf<EtchTraining<R>>>(w);
  });
  return job;
}

std::unique_ptr<Job> etch_flush_network(const Workload& w) {
  std::unique_ptr<Job> job;
  for_each_network([&]<class R>(R row) {
    if constexpr (!R::trains && R::batch == 1) {
      using E = EtchFlushing<typename R::Net>;
      if (row.denormal && w.name == row.name) job = std::make_unique<JobOf<E>>(w);
    }
  });
  return job;
}

namespace {
/// Where the weights do not fit into the first cache.
template <class T> std::unique_ptr<Job> quantized_network(const Workload& w) {
  std::unique_ptr<Job> job;
  for_each_network([&]<class R>(R row) {
    if constexpr (!R::trains && R::batch == 1 && std::is_same_v<typename R::Net, Mlp>) {
      if (w.name == row.name) job = std::make_unique<JobOf<EtchQuantized<Mlp, T>>>(w);
    }
  });
  return job;
}
}  // namespace

std::unique_ptr<Job> etch_bf16_network(const Workload& w) {
  return quantized_network<etch::bf16>(w);
}
std::unique_ptr<Job> etch_int8_network(const Workload& w) {
  return quantized_network<etch::int8>(w);
}

std::unique_ptr<Job> etch_product(const Product& p) {
  std::unique_ptr<Job> job;
  for_each_product([&](const char* name, auto n) {
    if (p.name == name) job = std::make_unique<JobOf<EtchProduct<n()>>>(p);
  });
  return job;
}

}  // namespace bench
