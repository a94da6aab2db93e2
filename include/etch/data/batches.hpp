// SPDX-License-Identifier: BSL-1.0
/// The order in which an epoch visits the rows, batch by batch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "etch/data/dataset.hpp"
#include "etch/data/random.hpp"

namespace etch {

/// The options of PyTorch's `DataLoader`.
struct BatchOptions {
  bool shuffle = true;
  bool drop_last = false;  ///< leave out the last batch where it is smaller
};

/// Batches of row indices for one epoch. The order depends on (rows, seed, epoch) alone, so that
/// training can resume at any epoch. Allocates at construction only.
///
///     Batches batches(train.size(), 32, seed);
///     for (std::uint32_t epoch = 0; epoch < 20; ++epoch) {
///       batches.start_epoch(epoch);
///       for (std::span<const std::uint32_t> rows : batches) { ... }
///     }
class Batches {
 public:
  using Rows = std::span<const std::uint32_t>;

  /// Starts at epoch 0. Requires batch_size > 0 and rows < 2^32.
  Batches(std::size_t rows, std::size_t batch_size, std::uint64_t seed, BatchOptions options = {})
      : batch_size_(batch_size), seed_(seed), options_(options), order_(rows) {
    start_epoch(0);
  }

  void start_epoch(std::uint32_t epoch) noexcept {
    std::iota(order_.begin(), order_.end(), 0u);
    if (!options_.shuffle) return;
    Random random(seed_, RandomUse::shuffle, epoch);
    etch::shuffle(std::span(order_), random);
  }

  /// Batches in the epoch, the smaller last one included unless dropped.
  std::size_t size() const noexcept { return full() + (remainder().empty() ? 0 : 1); }
  /// Batches of exactly the batch size.
  std::size_t full() const noexcept { return order_.size() / batch_size_; }
  /// The smaller last batch; empty where there is none or where it is dropped.
  Rows remainder() const noexcept {
    return options_.drop_last ? Rows{} : Rows{order_}.subspan(full() * batch_size_);
  }
  /// Batch `i` < size().
  Rows operator[](std::size_t i) const noexcept {
    const Rows rest = Rows{order_}.subspan(i * batch_size_);
    return rest.first(std::min(batch_size_, rest.size()));
  }

  class Iterator {
   public:
    Iterator(const Batches& batches, std::size_t i) noexcept : batches_(&batches), i_(i) {}
    Rows operator*() const noexcept { return (*batches_)[i_]; }
    Iterator& operator++() noexcept { return ++i_, *this; }
    bool operator==(const Iterator&) const = default;

   private:
    const Batches* batches_;
    std::size_t i_;
  };
  Iterator begin() const noexcept { return {*this, 0}; }
  Iterator end() const noexcept { return {*this, size()}; }

 private:
  std::size_t batch_size_;
  std::uint64_t seed_;
  BatchOptions options_;
  std::vector<std::uint32_t> order_;
};

/// Copies the inputs of these rows to x: [rows, features], row-major. Allocates nothing.
/// Requires every row below data.size() and room in x; what is left of x stays as it is.
inline void gather_inputs(const Dataset& data, std::span<const std::uint32_t> rows,
                          std::span<float> x) noexcept {
  auto out = x.begin();
  for (const std::uint32_t i : rows) out = std::ranges::copy(data.input(i), out).out;
}

/// The same, and the labels to y: [rows].
inline void gather(const Dataset& data, std::span<const std::uint32_t> rows, std::span<float> x,
                   std::span<std::uint32_t> y) noexcept {
  gather_inputs(data, rows, x);
  for (std::size_t k = 0; k < rows.size(); ++k) y[k] = data.label(rows[k]);
}

/// The same, and the targets to y: [rows, outputs].
inline void gather(const Dataset& data, std::span<const std::uint32_t> rows, std::span<float> x,
                   std::span<float> y) noexcept {
  gather_inputs(data, rows, x);
  auto out = y.begin();
  for (const std::uint32_t i : rows) out = std::ranges::copy(data.target(i), out).out;
}

}  // namespace etch
