// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What is computed, told in PyTorch's terms, so that every engine builds it its own best way. The
// numbers come from etch (workload.cpp); engines know nothing of etch.

namespace bench {

/// Everyone's buffers start on a cache line: no engine shall win by where its numbers lie.
template <class T> struct OnCacheLines {
  using value_type = T;
  OnCacheLines() = default;
  template <class U> OnCacheLines(const OnCacheLines<U>&) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete(p, std::align_val_t{64}); }
  bool operator==(const OnCacheLines&) const = default;
};

using Floats = std::vector<float, OnCacheLines<float>>;

enum class Kind {
  linear,             ///< of each position of a sequence
  conv1d,             ///< over a stream, causal
  conv2d,
  max_pool2d,         ///< stride = window
  global_avg_pool2d,  ///< [channels]
  encoder,            ///< torch.nn.TransformerEncoderLayer, without dropout
  lstm,
  gru,
  wavenet_array,      ///< over a stream; see bench/wavenet.hpp
};
enum class Activation { none, relu, tanh };

struct Parameter {
  std::string name;
  std::vector<std::size_t> shape;
  Floats values;
};

/// One layer with the activation that follows it.
struct Layer {
  Kind kind;
  std::string name{};  ///< its path in torch.nn.Sequential: parameters are name.weight, ...
  std::size_t in = 0, out = 0;  ///< features, or channels
  std::size_t window = 0;       ///< of a convolution or a pool
  std::size_t stride = 1, padding = 0, dilation = 1;
  std::size_t heads = 0, hidden = 0;  ///< of an encoder; hidden: between its linear layers
  std::size_t stages = 0, head = 0;   ///< of a WaveNet's array; head: channels that go there
  float scale = 1;                    ///< what the head hears is multiplied with this
  Activation activation = Activation::none;
  std::optional<std::size_t> from{};  ///< the layer whose output it reads, if not the one before
  std::optional<std::size_t> plus{};  ///< the layer whose output is added before the activation
  Floats weight{};                ///< [out, in], and for each axis of a window its extent
  Floats bias{};                  ///< [out]
  std::vector<Parameter> more{};  ///< of layers with other parameters, in PyTorch's order

  /// By PyTorch's name in the layer; null if there is none.
  const Floats* find(std::string_view parameter) const;
};

enum class Loss { none, cross_entropy, mse };

/// A network and a batch for it. With a loss it is to be trained: forward, backward and Adam (lr
/// 1e-3, betas 0.9 and 0.999, eps 1e-8), always on this batch. With a stream each call takes the
/// next input, a sample or a block of them, and recurrent layers and convolutions over time
/// remember those before.
struct Workload {
  std::string name;
  std::size_t batch = 1;
  std::size_t stream = 0;    ///< inputs in x, for calls in turn; 0: each call takes the batch
  std::size_t sequence = 1;  ///< positions of one input
  std::size_t channels = 1, height = 1, width = 1;  ///< of a position; features are channels
  std::size_t outputs = 0;
  std::vector<Layer> layers{};
  Floats x{};  ///< [batch or stream, sequence, channels, height, width]

  Loss loss = Loss::none;
  std::vector<std::uint32_t> labels{};  ///< [batch], for the cross-entropy
  Floats target{};                      ///< [batch, outputs], for the mean squared error

  /// What etch computes, all of `checked_calls` from the beginning. Inference: [batch, outputs] a
  /// call. Training: the mean loss before each step. Empty where etch has no network yet: then the
  /// first engine's numbers are what the others are held to.
  Floats expected{};

  std::size_t inputs() const { return sequence * channels * height * width; }
  std::size_t checked_calls() const;
  /// The parameter that PyTorch calls so, as in "0.weight".
  const Floats& parameter(std::string_view path) const;
  /// Linear layers, plain convolutions and pools one after the other: what every engine can do.
  bool is_chain() const;
};

/// C = A B with A [n, n], B [n, n], all row-major.
struct Product {
  std::string name;
  std::size_t n = 0;
  Floats a, b;
  Floats expected;
};

/// The networks of the table in bench/README.md, by the name that results go by.
const std::vector<Workload>& workloads();
const std::vector<Product>& products();

}  // namespace bench
