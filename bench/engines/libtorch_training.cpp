// SPDX-License-Identifier: BSL-1.0
// Training with libtorch's autograd.
#include <torch/optim/adam.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "libtorch_common.hpp"

namespace bench::libtorch {

namespace {

/// All parameters and all gradients are views into one tensor each: Adam then is a handful of
/// operators a step and not a handful per parameter.
class Training {
 public:
  explicit Training(const Workload& w) : workload_(w), x_(view(w.x, input_sizes(w))) {
    for (const Layer& l : w.layers) {
      for (const Tensor& t : parameters_of(l)) initial_.push_back(t);
    }
    std::int64_t total = 0, begin = 0;
    for (const Tensor& t : initial_) total += t.numel();
    all_ = at::zeros({total}, at::kFloat);
    gradient_ = at::zeros({total}, at::kFloat);
    for (const Tensor& t : initial_) {
      // Detached, or autograd would follow the views back to the whole.
      Tensor p = all_.narrow(0, begin, t.numel()).view(t.sizes()).detach();
      p.set_requires_grad(true);
      p.mutable_grad() = gradient_.narrow(0, begin, t.numel()).view(t.sizes());
      parameters_.push_back(p);
      begin += t.numel();
    }
    all_.set_requires_grad(true);
    all_.mutable_grad() = gradient_;
    target_ = w.loss == Loss::mse ? view(w.target, {size(w.batch), size(w.outputs)})
                                  : at::empty({size(w.batch)}, at::kLong);
    if (w.loss != Loss::mse) std::ranges::copy(w.labels, target_.data_ptr<std::int64_t>());
    reset();
  }

  void reset() {
    for (std::size_t i = 0; i < initial_.size(); ++i) parameters_[i].detach().copy_(initial_[i]);
    const auto options = torch::optim::AdamOptions(1e-3).betas({0.9, 0.999}).eps(1e-8);
    adam_.emplace(std::vector<Tensor>{all_}, options);
  }

  void run() {
    gradient_.zero_();
    const Tensor loss = loss_of(forward());
    loss.backward();
    adam_->step();
    loss_ = *loss.data_ptr<float>();
  }
  std::span<const float> output() const { return {&loss_, 1}; }

 private:
  Tensor forward() const {
    Tensor x = x_;
    const Tensor* p = parameters_.data();
    for (const Layer& l : workload_.layers) {
      x = run_layer(l, p, x);
      if (l.activation == Activation::relu) x.relu_();
      if (l.activation == Activation::tanh) x.tanh_();
    }
    return x;
  }

  /// Takes the parameters of the layer from the front of `p`.
  Tensor run_layer(const Layer& l, const Tensor*& p, const Tensor& x) const {
    if (l.kind == Kind::max_pool2d) return at::max_pool2d(x, Sizes(2, size(l.window)));
    if (l.kind == Kind::lstm) {
      const Tensor start = at::zeros({1, size(workload_.batch), size(l.out)}, at::kFloat);
      const Tensor* const first = std::exchange(p, p + 4);
      return std::get<0>(at::lstm(x, {start, start}, {first, 4}, true, 1, 0.0, true, false, true));
    }
    const Tensor* const first = std::exchange(p, p + 2);
    if (l.kind == Kind::conv2d) return at::conv2d(x, first[0], first[1]);
    return at::linear(workload_.sequence > 1 ? x : x.flatten(1), first[0], first[1]);
  }

  Tensor loss_of(const Tensor& y) {
    if (workload_.loss == Loss::mse) return at::mse_loss(y.flatten(1), target_);
    return at::cross_entropy_loss(y, target_);
  }

  const Workload& workload_;
  Tensor x_, target_, all_, gradient_;
  std::vector<Tensor> initial_, parameters_;
  std::optional<torch::optim::Adam> adam_;
  float loss_ = 0;
};

}  // namespace

std::unique_ptr<Job> training(const Workload& w) { return std::make_unique<JobOf<Training>>(w); }

}  // namespace bench::libtorch
