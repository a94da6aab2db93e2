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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "choose.hpp"
#include "libtorch_common.hpp"

namespace bench {

namespace {

using namespace libtorch;

void use_one_thread() {
  static std::once_flag once;  // PyTorch throws if told a second time
  std::call_once(once, [] { at::set_num_threads(1), at::set_num_interop_threads(1); });
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
    const c10::InferenceMode guard;
    x_ = view(w.x, is_flat(w) ? dense_sizes(w.batch, w.inputs()) : input_sizes(w));
    branches_ = std::ranges::any_of(w.layers, [](const Layer& l) { return l.from || l.plus; });
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
    const Layer* layer;
    Sizes window, stride, padding;
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
    const auto square = [](std::size_t n) { return Sizes(2, size(n)); };
    Image& image = images_.emplace_back(
        Image{&l, square(l.window), square(l.stride), square(l.padding), {}, {}});
    if (l.kind != Kind::conv2d) return;
    image.weight = weight_of(l).clone();
    image.bias = view(l.bias, {size(l.out)}).clone();
    if (choice_.images != Images::mkldnn) return;
    image.weight = at::mkldnn_reorder_conv2d_weight(image.weight.to_mkldnn(), image.padding,
                                                    image.stride, {1, 1}, 1);
    image.bias = image.bias.to_mkldnn();
  }

  Tensor run_images() {
    const bool mkldnn = choice_.images == Images::mkldnn;
    Tensor x = mkldnn ? x_.to_mkldnn() : x_;
    for (Image& image : images_) {
      const Layer& l = *image.layer;
      if (l.from) x = outputs_[*l.from];
      x = run_image(image, x);
      if (l.plus) x.add_(outputs_[*l.plus]);
      if (l.activation == Activation::relu) x.relu_();
      if (l.activation == Activation::tanh) x.tanh_();
      if (branches_) outputs_.push_back(x);
    }
    outputs_.clear();
    return mkldnn ? x.to_dense() : x;
  }

  Tensor run_image(const Image& image, const Tensor& x) const {
    const bool mkldnn = choice_.images == Images::mkldnn;
    switch (image.layer->kind) {
      case Kind::conv2d: return convolution(image, x);
      case Kind::max_pool2d:
        return mkldnn ? at::mkldnn_max_pool2d(x, image.window, image.window)
                      : at::max_pool2d(x, image.window);
      default:
        return mkldnn ? at::mkldnn_adaptive_avg_pool2d(x, {1, 1})
                      : at::adaptive_avg_pool2d(x, {1, 1});
    }
  }

  Tensor convolution(const Image& i, const Tensor& x) const {
    switch (choice_.images) {
      case Images::im2col:
        return at::thnn_conv2d(x, i.weight, i.window, i.bias, i.stride, i.padding);
      case Images::mkldnn:
        return at::mkldnn_convolution(x, i.weight, i.bias, i.padding, i.stride, {1, 1}, 1);
      default: return at::conv2d(x, i.weight, i.bias, i.stride, i.padding);
    }
  }

  Choice choice_;
  Tensor x_;
  Sizes flat_sizes_;
  std::vector<Image> images_;
  bool branches_;
  std::vector<Tensor> outputs_;  ///< of the images, if there are branches
  std::vector<Dense> dense_;
};

class Mm {
 public:
  explicit Mm(const Product& p)
      : a_(view(p.a, {size(p.n), size(p.n)})),
        b_(view(p.b, {size(p.n), size(p.n)})),
        c_(at::empty({size(p.n), size(p.n)}, at::kFloat)) {}
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
  use_one_thread();
  if (w.loss != Loss::none) return training(w);
  if (auto job = sequence(w)) return job;
  std::vector<Choice> choices;
  for (const Images images : {Images::standard, Images::im2col, Images::mkldnn}) {
    if (images != Images::standard && is_flat(w)) continue;
    if (images == Images::mkldnn && !at::hasMKLDNN()) continue;
    choices.push_back({images, false});
    if (w.batch == 1) choices.push_back({images, true});
  }
  return fastest(w, choices);
}

std::unique_ptr<Job> libtorch_product(const Product& p) {
  use_one_thread();
  return std::make_unique<JobOf<Mm>>(p);
}

}  // namespace bench
