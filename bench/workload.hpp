// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
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

enum class Kind { linear, conv2d, max_pool2d };
enum class Activation { none, relu, tanh };

/// One layer with the activation that follows it.
struct Layer {
  Kind kind;
  std::size_t in = 0, out = 0;  ///< features, or channels
  std::size_t window = 0;  ///< of a convolution (stride 1, no padding) or a pool (stride = window)
  Activation activation = Activation::none;
  Floats weight{};  ///< [out, in], or [out, in, window, window]
  Floats bias{};    ///< [out]
};

enum class Loss { none, cross_entropy, mse };

/// A network and a batch for it. With a loss it is to be trained: forward, backward and Adam (lr
/// 1e-3, betas 0.9 and 0.999, eps 1e-8), always on this batch.
struct Workload {
  std::string name;
  std::size_t batch = 1;
  std::size_t channels = 1, height = 1, width = 1;  ///< of one input; features are channels
  std::size_t outputs = 0;
  std::vector<Layer> layers{};
  Floats x{};  ///< [batch, channels, height, width]

  Loss loss = Loss::none;
  std::vector<std::uint32_t> labels{};  ///< [batch], for the cross-entropy
  Floats target{};                      ///< [batch, outputs], for the mean squared error

  /// What etch computes. Inference: [batch, outputs]. Training: the mean loss before each of the
  /// first steps from these weights.
  Floats expected{};

  std::size_t inputs() const { return channels * height * width; }
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
