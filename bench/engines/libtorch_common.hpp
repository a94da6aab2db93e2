// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "../engine.hpp"

// What the parts of the engine on libtorch share: a workload's numbers as tensors.

namespace bench::libtorch {

using at::Tensor;
using Sizes = std::vector<std::int64_t>;

inline std::int64_t size(std::size_t n) { return static_cast<std::int64_t>(n); }

/// The caller's numbers as they are. A tensor has no const, even if it is only read.
inline Tensor view(const Floats& v, const Sizes& sizes) {
  return at::from_blob(const_cast<float*>(v.data()), sizes, at::kFloat);
}

inline bool is_flat(const Workload& w) { return w.height * w.width == 1; }

inline Sizes input_sizes(const Workload& w) {
  if (w.sequence > 1) return {size(w.batch), size(w.sequence), size(w.channels)};
  Sizes sizes = {size(w.batch), size(w.channels), size(w.height), size(w.width)};
  if (is_flat(w)) sizes.resize(2);
  return sizes;
}

inline Tensor weight_of(const Layer& l) {
  Sizes sizes = {size(l.out), size(l.in)};
  if (l.kind == Kind::conv2d) sizes.insert(sizes.end(), 2, size(l.window));
  if (l.kind == Kind::conv1d) sizes.push_back(size(l.window));
  return view(l.weight, sizes);
}

/// In PyTorch's order.
inline std::vector<Tensor> parameters_of(const Layer& l) {
  std::vector<Tensor> all;
  if (!l.weight.empty()) all = {weight_of(l), view(l.bias, {size(l.out)})};
  for (const Parameter& p : l.more) {
    all.push_back(view(p.values, Sizes(p.shape.begin(), p.shape.end())));
  }
  return all;
}

inline std::span<const float> numbers(const Tensor& t) {
  return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())};
}

/// libtorch_training.cpp
std::unique_ptr<Job> training(const Workload& w);
/// libtorch_sequences.cpp: encoders and streams, null for other networks
std::unique_ptr<Job> sequence(const Workload& w);
/// libtorch_wavenet.cpp
std::unique_ptr<Job> wavenet(const Workload& w);

}  // namespace bench::libtorch
