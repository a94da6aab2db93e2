// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <random>

// A heap block that ends right behind its last float and starts `shift` floats off alignment, so
// that a sanitizer sees every access beyond it; filled with NaN, so that a forgotten write shows.
class ExactBuffer {
 public:
  ExactBuffer(std::size_t size, std::size_t shift)
      : size_(size), shift_(shift), block_(new float[size + shift]) {
    for (std::size_t i = 0; i < size; ++i) data()[i] = std::numeric_limits<float>::quiet_NaN();
  }

  static ExactBuffer uniform(std::size_t size, std::size_t shift, unsigned seed) {
    ExactBuffer result(size, shift);
    std::mt19937 random(seed);
    for (std::size_t i = 0; i < size; ++i) {
      result.data()[i] = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
    }
    return result;
  }

  float* data() { return block_.get() + shift_; }
  const float* data() const { return block_.get() + shift_; }
  std::size_t size() const { return size_; }
  float operator[](std::size_t i) const { return data()[i]; }

 private:
  std::size_t size_, shift_;
  std::unique_ptr<float[]> block_;
};
