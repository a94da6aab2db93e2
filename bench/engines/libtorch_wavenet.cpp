// SPDX-License-Identifier: BSL-1.0
// A WaveNet on libtorch: each layer is two products for the whole block, one with all taps of its
// convolution, its part of the condition and its bias, and one that goes on.
#include <ATen/ops/add_cpu_dispatch.h>
#include <ATen/ops/addmm_cpu_dispatch.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <ATen/ops/tanh_cpu_dispatch.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libtorch_common.hpp"

namespace bench::libtorch {

namespace {

/// A weight as [rows, window * columns], the oldest tap first, as the past is gathered; a bias as a
/// column; nothing if there is no such parameter.
Tensor matrix(const Layer& l, const std::string& path) {
  for (const Parameter& p : l.more) {
    if (p.name != path) continue;
    const Sizes sizes(p.shape.begin(), p.shape.end());
    if (sizes.size() == 1) return view(p.values, {sizes[0], 1});
    return view(p.values, sizes).permute({0, 2, 1}).reshape({sizes[0], -1});
  }
  return {};
}

/// `rows` of numbers and one of ones, which the column of a bias is multiplied with.
Tensor with_ones(std::int64_t rows, std::int64_t samples) {
  Tensor t = at::zeros({rows + 1, samples}, at::kFloat);
  t[rows].fill_(1);
  return t;
}

/// The last samples of each channel. They lie in a line, whose end is brought to its beginning when
/// there is no room left.
class Past {
 public:
  Past(const Layer& l, std::size_t dilation, std::size_t samples)
      : channels_(l.out), window_(l.window), dilation_(dilation), samples_(samples) {
    reset();
  }
  void reset() {
    line_.assign(channels_ * width(), 0);
    now_ = before();
  }

  /// Takes x [channels, samples] and gives [window, channels, samples], the oldest tap first.
  void run(const float* x, float* taps) {
    if (now_ + samples_ > width()) bring_back();
    for (std::size_t c = 0; c < channels_; ++c) {
      std::copy_n(x + c * samples_, samples_, line_.data() + c * width() + now_);
    }
    for (std::size_t tap = 0; tap < window_; ++tap) {
      const float* from = line_.data() + now_ - (window_ - 1 - tap) * dilation_;
      for (std::size_t c = 0; c < channels_; ++c) {
        taps = std::copy_n(from + c * width(), samples_, taps);
      }
    }
    now_ += samples_;
  }

 private:
  std::size_t before() const { return (window_ - 1) * dilation_; }
  std::size_t width() const { return before() + 16 * samples_; }

  void bring_back() {
    for (std::size_t c = 0; c < channels_; ++c) {
      float* row = line_.data() + c * width();
      std::copy_n(row + now_ - before(), before(), row);
    }
    now_ = before();
  }

  std::size_t channels_, window_, dilation_, samples_;
  Floats line_;  ///< [channels, width]
  std::size_t now_ = 0;
};

class Stage {
 public:
  Stage(const Layer& l, std::size_t k, std::size_t samples)
      : past_(l, std::size_t{1} << k, samples),
        gathered_(with_ones(size(l.window * l.out) + 1, size(samples))),
        condition_(gathered_[size(l.window * l.out)]),
        result_(with_ones(size(l.out), size(samples))),
        z_(result_.narrow(0, 0, size(l.out))) {
    const std::string path = "layers." + std::to_string(k);
    heard_ = at::cat({matrix(l, path + ".conv.weight"), matrix(l, path + ".input_mixin.weight"),
                      matrix(l, path + ".conv.bias")}, 1);
    onward_ = at::cat({matrix(l, path + ".1x1.weight"), matrix(l, path + ".1x1.bias")}, 1);
  }
  void reset() { past_.reset(); }

  /// x and skip [channels, samples]; x only changes if it goes on.
  void run(Tensor& x, Tensor& skip, const float* condition, bool goes_on) {
    past_.run(x.data_ptr<float>(), gathered_.data_ptr<float>());
    std::copy_n(condition, condition_.numel(), condition_.data_ptr<float>());
    at::cpu::mm_out(z_, heard_, gathered_);
    at::cpu::tanh_(z_);
    at::cpu::add_(skip, z_);
    if (goes_on) at::cpu::addmm_(x, onward_, result_);
  }

 private:
  Past past_;
  Tensor gathered_, condition_;  ///< taps, condition, ones; the condition's row of it
  Tensor result_, z_;            ///< z, ones; z alone
  Tensor heard_, onward_;
};

class Array {
 public:
  Array(const Layer& l, std::size_t samples)
      : widen_(matrix(l, "rechannel.weight").contiguous()),
        x_(at::empty({size(l.out), size(samples)}, at::kFloat)),
        sum_(with_ones(size(l.out), size(samples))),
        skip_(sum_.narrow(0, 0, size(l.out))),
        head_(at::empty({size(l.head), size(samples)}, at::kFloat)) {
    const Tensor bias = matrix(l, "head_rechannel.bias");
    to_head_ = l.scale * at::cat({matrix(l, "head_rechannel.weight"),
                                  bias.defined() ? bias : at::zeros({size(l.head), 1})}, 1);
    for (std::size_t k = 0; k < l.stages; ++k) stages_.emplace_back(l, k, samples);
  }
  void reset() {
    for (Stage& s : stages_) s.reset();
  }

  /// `before`: what the head heard of the array before, or null.
  void run(const Tensor& x, const Tensor* before, const float* condition, bool goes_on) {
    at::cpu::mm_out(x_, widen_, x);
    if (before != nullptr) skip_.copy_(*before);
    else skip_.zero_();
    for (Stage& s : stages_) s.run(x_, skip_, condition, goes_on || &s != &stages_.back());
    at::cpu::mm_out(head_, to_head_, sum_);
  }
  const Tensor& x() const { return x_; }
  const Tensor& head() const { return head_; }

 private:
  std::vector<Stage> stages_;
  Tensor widen_, x_;
  Tensor sum_, skip_;  ///< the skip sum, ones; the skip sum alone
  Tensor to_head_, head_;
};

class WaveNet {
 public:
  explicit WaveNet(const Workload& w)
      : stream_(w), x_(at::empty({1, size(w.inputs())}, at::kFloat)) {
    for (const Layer& l : w.layers) arrays_.emplace_back(l, w.inputs());
  }
  void reset() {
    stream_.reset();
    for (Array& a : arrays_) a.reset();
  }
  void run() {
    const c10::InferenceMode guard;
    const float* const condition = stream_.next();
    std::copy_n(condition, x_.numel(), x_.data_ptr<float>());
    const Tensor *x = &x_, *head = nullptr;
    for (Array& a : arrays_) {
      a.run(*x, head, condition, &a != &arrays_.back());
      x = &a.x();
      head = &a.head();
    }
  }
  std::span<const float> output() const { return numbers(arrays_.back().head()); }

 private:
  Stream stream_;
  Tensor x_;
  std::vector<Array> arrays_;
};

}  // namespace

std::unique_ptr<Job> wavenet(const Workload& w) { return std::make_unique<JobOf<WaveNet>>(w); }

}  // namespace bench::libtorch
