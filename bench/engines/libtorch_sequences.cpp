// SPDX-License-Identifier: BSL-1.0
// What libtorch has for sequences: encoders, and streams of which each call takes a sample.
#include <ATen/ops/addmv_cpu_dispatch.h>
#include <ATen/ops/tanh_cpu_dispatch.h>
#include <torch/nn/modules/transformerlayer.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "choose.hpp"
#include "libtorch_common.hpp"

namespace bench::libtorch {

namespace {

torch::nn::TransformerEncoderLayer encoder_of(const Layer& l) {
  torch::nn::TransformerEncoderLayerOptions options(size(l.in), size(l.heads));
  torch::nn::TransformerEncoderLayer module(options.dim_feedforward(size(l.hidden)));
  const torch::NoGradGuard guard;
  for (auto& p : module->named_parameters()) {
    p.value().copy_(view(*l.find(p.key()), p.value().sizes().vec()));
  }
  module->eval();
  return module;
}

/// The module.
class Encoder {
 public:
  explicit Encoder(const Workload& w)
      : module_(encoder_of(w.layers.front())),
        x_(view(w.x, {size(w.sequence), 1, size(w.channels)})) {}
  void run() {
    const c10::InferenceMode guard;
    y_ = module_->forward(x_);
  }
  std::span<const float> output() const { return numbers(y_); }

 private:
  torch::nn::TransformerEncoderLayer module_;
  Tensor x_, y_;
};

/// The operator that Python's module calls for inference, and the one of C++ does not.
class FusedEncoder {
 public:
  explicit FusedEncoder(const Workload& w)
      : heads_(size(w.layers.front().heads)), x_(view(w.x, input_sizes(w))) {
    const auto module = encoder_of(w.layers.front());
    std::ranges::transform(module->parameters(), parameters_.begin(),
                           [](const Tensor& t) { return t.detach(); });
  }
  void run() {
    const c10::InferenceMode guard;
    const auto& [qkv, qkv_bias, out, out_bias, up, up_bias, down, down_bias, norm1, norm1_bias,
                 norm2, norm2_bias] = parameters_;
    y_ = at::_transformer_encoder_layer_fwd(x_, x_.size(2), heads_, qkv, qkv_bias, out, out_bias,
                                            false, false, 1e-5, norm1, norm1_bias, norm2,
                                            norm2_bias, up, up_bias, down, down_bias);
  }
  std::span<const float> output() const { return numbers(y_); }

 private:
  std::int64_t heads_;
  Tensor x_, y_;
  std::array<Tensor, 12> parameters_;  ///< in the module's order
};

/// By a cell: torch.nn.LSTM and GRU on a sequence of one sample take half as long again.
class Recurrent {
 public:
  explicit Recurrent(const Workload& w)
      : kind_(w.layers.front().kind),
        hidden_(size(w.layers.front().out)),
        stream_(w),
        x_(at::empty({1, size(w.inputs())}, at::kFloat)) {
    for (const Layer& l : w.layers) {
      for (const Tensor& t : parameters_of(l)) parameters_.push_back(t.clone());
    }
    reset();
  }
  void reset() {
    stream_.reset();
    h_ = at::zeros({1, hidden_}, at::kFloat);
    c_ = at::zeros({1, hidden_}, at::kFloat);
  }
  void run() {
    const c10::InferenceMode guard;
    std::copy_n(stream_.next(), x_.numel(), x_.data_ptr<float>());
    const Tensor* p = parameters_.data();
    if (kind_ == Kind::lstm) {
      std::tie(h_, c_) = at::lstm_cell(x_, {h_, c_}, p[0], p[1], p[2], p[3]);
    } else {
      h_ = at::gru_cell(x_, h_, p[0], p[1], p[2], p[3]);
    }
    y_ = at::linear(h_, p[4], p[5]);
  }
  std::span<const float> output() const { return numbers(y_); }

 private:
  Kind kind_;
  std::int64_t hidden_;
  Stream stream_;
  Tensor x_, h_, c_, y_;
  std::vector<Tensor> parameters_;
};

/// One sample of a causal convolution: a product with those inputs that the taps see, out of a ring
/// of the last ones. torch.nn.Conv1d over a window of all that the network sees takes 14 times as
/// long.
class Convolution {
 public:
  explicit Convolution(const Layer& l)
      : layer_(l),
        weight_(weight_of(l).permute({0, 2, 1}).reshape({size(l.out), -1}).contiguous()),
        bias_(view(l.bias, {size(l.out)}).clone()),
        taps_(at::empty({size(l.window * l.in)}, at::kFloat)),
        y_(at::empty({size(l.out)}, at::kFloat)) {
    reset();
  }
  void reset() { ring_.assign(slots() * layer_.in, 0); }

  const Tensor& run(const Tensor& x) {
    if (layer_.window > 1) gather(x.data_ptr<float>());
    at::cpu::addmv_out(y_, bias_, weight_, layer_.window > 1 ? taps_ : x);
    if (layer_.activation == Activation::tanh) at::cpu::tanh_(y_);
    return y_;
  }

 private:
  std::size_t slots() const { return (layer_.window - 1) * layer_.dilation + 1; }

  void gather(const float* x) {
    std::copy_n(x, layer_.in, ring_.data() + now_ * layer_.in);
    now_ = (now_ + 1) % slots();  // the oldest one, and the next one to be overwritten
    float* to = taps_.data_ptr<float>();
    for (std::size_t tap = 0; tap < layer_.window; ++tap) {
      const std::size_t slot = (now_ + tap * layer_.dilation) % slots();
      to = std::copy_n(ring_.data() + slot * layer_.in, layer_.in, to);
    }
  }

  const Layer& layer_;
  Tensor weight_, bias_;  ///< weight: [out, window, in]
  Tensor taps_, y_;
  Floats ring_;  ///< [slots, in]
  std::size_t now_ = 0;
};

class Convolutions {
 public:
  explicit Convolutions(const Workload& w)
      : stream_(w), x_(at::empty({size(w.inputs())}, at::kFloat)) {
    for (const Layer& l : w.layers) layers_.emplace_back(l);
  }
  void reset() {
    stream_.reset();
    for (Convolution& c : layers_) c.reset();
  }
  void run() {
    const c10::InferenceMode guard;
    std::copy_n(stream_.next(), x_.numel(), x_.data_ptr<float>());
    y_ = &x_;
    for (Convolution& c : layers_) y_ = &c.run(*y_);
  }
  std::span<const float> output() const { return numbers(*y_); }

 private:
  Stream stream_;
  Tensor x_;
  std::vector<Convolution> layers_;
  const Tensor* y_ = nullptr;
};

}  // namespace

std::unique_ptr<Job> sequence(const Workload& w) {
  switch (w.layers.front().kind) {
    case Kind::encoder: {
      std::unique_ptr<Job> module = std::make_unique<JobOf<Encoder>>(w);
      std::unique_ptr<Job> fused = std::make_unique<JobOf<FusedEncoder>>(w);
      return least_seconds(*fused) < least_seconds(*module) ? std::move(fused) : std::move(module);
    }
    case Kind::lstm:
    case Kind::gru: return std::make_unique<JobOf<Recurrent>>(w);
    case Kind::conv1d: return std::make_unique<JobOf<Convolutions>>(w);
    case Kind::wavenet_array: return wavenet(w);
    default: return nullptr;
  }
}

}  // namespace bench::libtorch
