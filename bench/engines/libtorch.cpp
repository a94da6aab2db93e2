// SPDX-License-Identifier: BSL-1.0
// PyTorch from C++: eager operators, the CPU kernels called without the dispatcher where they take
// their output as an argument. A frozen TorchScript module costs more per call in every network.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/ops/addmm_cpu_dispatch.h>
#include <ATen/ops/addmv_cpu_dispatch.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <ATen/ops/relu_cpu_dispatch.h>
#include <ATen/ops/tanh_cpu_dispatch.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "../engine.hpp"
#include "choose.hpp"

namespace bench {

namespace {

using at::Tensor;
using Sizes = std::vector<std::int64_t>;

void use_one_thread() {
  static std::once_flag once;  // PyTorch throws if told a second time
  std::call_once(once, [] { at::set_num_threads(1), at::set_num_interop_threads(1); });
}

std::int64_t size(std::size_t n) { return static_cast<std::int64_t>(n); }

/// The caller's numbers as they are. A tensor has no const, even if it is only read.
Tensor view(const Floats& v, const Sizes& sizes) {
  return at::from_blob(const_cast<float*>(v.data()), sizes, at::kFloat);
}

bool is_flat(const Workload& w) { return w.height * w.width == 1; }

Sizes input_sizes(const Workload& w) {
  Sizes sizes = {size(w.batch), size(w.channels), size(w.height), size(w.width)};
  if (is_flat(w)) sizes.resize(2);
  return sizes;
}

Tensor weight_of(const Layer& l) {
  Sizes sizes = {size(l.out), size(l.in)};
  if (l.kind == Kind::conv2d) sizes.insert(sizes.end(), 2, size(l.window));
  return view(l.weight, sizes);
}

std::span<const float> numbers(const Tensor& t) {
  return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())};
}

/// Where the library offers several ways, and which is fastest depends on shapes and machine.
struct Choice {
  /// Standard is through oneDNN with row-major tensors around it; im2col and BLAS; or all images in
  /// oneDNN's own layout.
  enum class Images { standard, im2col, mkldnn } images = Images::standard;
  bool vectors = false;  ///< a batch of one as a vector
};

class Network {
  using Images = Choice::Images;

 public:
  Network(const Workload& w, const Choice& choice) : choice_(choice) {
    use_one_thread();
    const c10::InferenceMode guard;
    x_ = view(w.x, is_flat(w) ? dense_sizes(w.batch, w.inputs()) : input_sizes(w));
    for (const Layer& l : w.layers) {
      l.kind == Kind::linear ? add_dense(l, w.batch) : add_image(l);
    }
  }

  void run() {
    const c10::InferenceMode guard;
    const Tensor flat = images_.empty() ? x_ : run_images().view(flat_sizes_);
    const Tensor* x = &flat;
    for (Dense& d : dense_) {
      choice_.vectors ? at::cpu::addmv_out(d.y, d.bias, d.weight, *x)
                      : at::cpu::addmm_out(d.y, d.bias, *x, d.weight);
      if (d.activation == Activation::relu) at::cpu::relu_(d.y);
      if (d.activation == Activation::tanh) at::cpu::tanh_(d.y);
      x = &d.y;
    }
  }
  std::span<const float> output() const { return numbers(dense_.back().y); }

 private:
  struct Image {
    Kind kind;
    Sizes window;
    Activation activation;
    Tensor weight, bias;
  };
  struct Dense {
    Activation activation;
    Tensor weight, bias, y;  ///< weight [out, in] for a vector, else its transpose
  };

  Sizes dense_sizes(std::size_t batch, std::size_t features) const {
    return choice_.vectors ? Sizes{size(features)} : Sizes{size(batch), size(features)};
  }

  void add_dense(const Layer& l, std::size_t batch) {
    if (dense_.empty()) flat_sizes_ = dense_sizes(batch, l.in);
    const Tensor weight = weight_of(l).clone();
    dense_.push_back({l.activation, choice_.vectors ? weight : weight.t().contiguous(),
                      view(l.bias, {size(l.out)}).clone(),
                      at::empty(dense_sizes(batch, l.out), at::kFloat)});
  }

  void add_image(const Layer& l) {
    Image& image =
        images_.emplace_back(Image{l.kind, Sizes(2, size(l.window)), l.activation, {}, {}});
    if (l.kind == Kind::max_pool2d) return;
    image.weight = weight_of(l).clone();
    image.bias = view(l.bias, {size(l.out)}).clone();
    if (choice_.images != Images::mkldnn) return;
    image.weight =
        at::mkldnn_reorder_conv2d_weight(image.weight.to_mkldnn(), {0, 0}, {1, 1}, {1, 1}, 1);
    image.bias = image.bias.to_mkldnn();
  }

  Tensor run_images() const {
    const bool mkldnn = choice_.images == Images::mkldnn;
    Tensor x = mkldnn ? x_.to_mkldnn() : x_;
    for (const Image& image : images_) {
      if (image.kind == Kind::conv2d) {
        x = convolution(image, x);
      } else {
        x = mkldnn ? at::mkldnn_max_pool2d(x, image.window, image.window)
                   : at::max_pool2d(x, image.window);
      }
      if (image.activation == Activation::relu) x.relu_();
      if (image.activation == Activation::tanh) x.tanh_();
    }
    return mkldnn ? x.to_dense() : x;
  }

  Tensor convolution(const Image& image, const Tensor& x) const {
    if (choice_.images == Images::im2col) {
      return at::thnn_conv2d(x, image.weight, image.window, image.bias, {1, 1}, {0, 0});
    }
    if (choice_.images == Images::standard) return at::conv2d(x, image.weight, image.bias);
    return at::mkldnn_convolution(x, image.weight, image.bias, {0, 0}, {1, 1}, {1, 1}, 1);
  }

  Choice choice_;
  Tensor x_;
  Sizes flat_sizes_;
  std::vector<Image> images_;
  std::vector<Dense> dense_;
};

/// All parameters and all gradients are views into one tensor each: Adam then is a handful of
/// operators a step and not a handful per parameter.
class Training {
 public:
  explicit Training(const Workload& w) : workload_(w), x_(view(w.x, input_sizes(w))) {
    use_one_thread();
    for (const Layer& l : w.layers) {
      if (l.kind == Kind::max_pool2d) continue;
      initial_.push_back(weight_of(l));
      initial_.push_back(view(l.bias, {size(l.out)}));
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
    auto parameter = parameters_.begin();
    for (const Layer& l : workload_.layers) {
      if (l.kind == Kind::max_pool2d) {
        x = at::max_pool2d(x, Sizes(2, size(l.window)));
        continue;
      }
      const Tensor& weight = *parameter++;
      const Tensor& bias = *parameter++;
      x = l.kind == Kind::conv2d ? at::conv2d(x, weight, bias)
                                 : at::linear(x.flatten(1), weight, bias);
      if (l.activation == Activation::relu) x.relu_();
      if (l.activation == Activation::tanh) x.tanh_();
    }
    return x;
  }

  Tensor loss_of(const Tensor& y) {
    if (workload_.loss == Loss::mse) return at::mse_loss(y, target_);
    return at::cross_entropy_loss(y, target_);
  }

  const Workload& workload_;
  Tensor x_, target_, all_, gradient_;
  std::vector<Tensor> initial_, parameters_;
  std::optional<torch::optim::Adam> adam_;
  float loss_ = 0;
};

class Mm {
 public:
  explicit Mm(const Product& p)
      : a_(view(p.a, {size(p.n), size(p.n)})),
        b_(view(p.b, {size(p.n), size(p.n)})),
        c_(at::empty({size(p.n), size(p.n)}, at::kFloat)) {
    use_one_thread();
  }
  void run() { at::cpu::mm_out(c_, a_, b_); }
  std::span<const float> output() const { return numbers(c_); }

 private:
  Tensor a_, b_, c_;
};

std::unique_ptr<Job> fastest(const Workload& w, const std::vector<Choice>& choices) {
  std::unique_ptr<Job> best;
  double least = std::numeric_limits<double>::infinity();
  for (const Choice& choice : choices) {
    auto job = std::make_unique<JobOf<Network>>(w, choice);
    const double seconds = least_seconds(*job);
    if (seconds < least) best = std::move(job);
    least = std::min(least, seconds);
  }
  return best;
}

}  // namespace

std::unique_ptr<Job> libtorch_network(const Workload& w) {
  using Images = Choice::Images;
  if (w.loss != Loss::none) return std::make_unique<JobOf<Training>>(w);
  std::vector<Choice> choices;
  for (const Images images : {Images::standard, Images::im2col, Images::mkldnn}) {
    if (images != Images::standard && is_flat(w)) continue;
    if (images == Images::mkldnn && !at::hasMKLDNN()) continue;
    choices.push_back({images, false});
    if (w.batch == 1) choices.push_back({images, true});
  }
  return fastest(w, choices);
}

std::unique_ptr<Job> libtorch_product(const Product& p) { return std::make_unique<JobOf<Mm>>(p); }

}  // namespace bench
