// SPDX-License-Identifier: BSL-1.0
// Buffers and chains that the kernel tests share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <vector>

#include "etch/tape/chain.hpp"

namespace etch::test {

inline constexpr float poison = std::numeric_limits<float>::quiet_NaN();
inline constexpr float canary = 12345.0f;

/// `size` floats that start `misaligned` floats into an allocation and end where it ends, so that
/// an address sanitizer sees the first read beyond them.
class Source {
 public:
  Source(std::size_t size, std::size_t misaligned, std::uint32_t seed, float scale = 1)
      : storage_(size + misaligned, canary), offset_(misaligned) {
    std::uint32_t state = seed * 2654435761u + 1;
    for (std::size_t i = 0; i < size; ++i) {
      state = state * 1664525u + 1013904223u;
      storage_[offset_ + i] = scale * (static_cast<float>(state >> 8) / 8388608.0f - 1);
    }
  }

  float* data() { return storage_.data() + offset_; }
  const float* data() const { return storage_.data() + offset_; }
  float operator[](std::size_t i) const { return data()[i]; }

 private:
  std::vector<float> storage_;
  std::size_t offset_;
};

/// `size` floats of poison between canaries.
class Target {
 public:
  Target(std::size_t size, std::size_t misaligned)
      : storage_(size + misaligned + guard, poison), offset_(misaligned) {
    std::fill_n(storage_.begin(), offset_, canary);
    std::fill_n(storage_.end() - guard, guard, canary);
  }

  float* data() { return storage_.data() + offset_; }
  float operator[](std::size_t i) const { return storage_[offset_ + i]; }

  bool written_within() const {
    const auto kept = [](float x) { return x == canary; };
    return std::all_of(storage_.begin(), storage_.begin() + static_cast<int>(offset_), kept) &&
           std::all_of(storage_.end() - guard, storage_.end(), kept);
  }

 private:
  static constexpr int guard = 17;  // more than the longest vector
  std::vector<float> storage_;
  std::size_t offset_;
};

/// |a - b| <= tolerance * max(1, |b|), where NaN equals NaN and infinities themselves.
inline bool close(double a, double b, double tolerance) {
  if (std::isnan(b)) return std::isnan(a);
  if (std::isinf(b)) return a == b;
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

constexpr Access access(std::size_t offset, std::initializer_list<std::size_t> strides) {
  Access result;
  result.offset = offset;
  std::size_t axis = 0;
  for (const std::size_t stride : strides) result.stride[axis++] = stride;
  return result;
}

constexpr Link input(int buffer, Access access) {
  Link link;
  link.op = Op::input;
  link.buffer = buffer;
  link.access = access;
  return link;
}

constexpr Link accumulator() {
  Link link;
  link.op = Op::parameter;
  return link;
}

constexpr Link constant(double value) {
  Link link;
  link.value = value;
  return link;
}

constexpr Link iota(int axis) {
  Link link;
  link.op = Op::iota;
  link.buffer = axis;
  return link;
}

constexpr Link apply(Op op, int a, int b = -1, int c = -1) {
  Link link;
  link.op = op;
  link.args[0] = a;
  link.args[1] = b;
  link.args[2] = c;
  return link;
}

}  // namespace etch::test
