// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/tape/interpret/step.hpp"

namespace etch::rule {

/// y[i] = the position of i along attr.axis.
template <class T> constexpr void iota(const Step<T>& s) {
  Strides strides;
  strides.of[s.code.attr.axis] = 1;
  for (std::size_t b = 0; b < s.samples; ++b) {
    T* const y = s.result(b);
    walk(s.code.shape, 0, strides, [y](std::size_t i, std::size_t position) {
      y[i] = T(static_cast<double>(position));
    });
  }
}

/// y in row-major order, read from x at start + index times strides.
template <class T>
constexpr void gather(const Step<T>& s, std::size_t start, const Strides& strides) {
  for (std::size_t b = 0; b < s.samples; ++b) {
    const T* const x = s.args[0].sample(b);
    T* const y = s.result(b);
    walk(s.code.shape, start, strides, [x, y](std::size_t i, std::size_t j) { y[i] = x[j]; });
  }
}

template <class T> constexpr void reshape(const Step<T>& s) {
  const std::size_t n = s.code.shape.size();
  for (std::size_t b = 0; b < s.samples; ++b) {
    const T* const x = s.args[0].sample(b);
    T* const y = s.result(b);
    for (std::size_t i = 0; i < n; ++i) y[i] = x[i];
  }
}

template <class T> constexpr void permute(const Step<T>& s) {
  const Strides x(s.args[0].shape);
  Strides strides;
  for (std::size_t i = 0; i < s.code.shape.rank; ++i) strides.of[i] = x.of[s.code.attr.order[i]];
  gather(s, 0, strides);
}

template <class T> constexpr void slice(const Step<T>& s) {
  const Attributes& attr = s.code.attr;
  Strides strides(s.args[0].shape);
  const std::size_t start = attr.start * strides.of[attr.axis];
  strides.of[attr.axis] *= attr.step;
  gather(s, start, strides);
}

template <class T> constexpr void broadcast(const Step<T>& s) {
  const Dims& from = s.args[0].shape;
  const std::size_t missing = s.code.shape.rank - from.rank;
  const Strides x(from);
  Strides strides;
  for (std::size_t i = 0; i < from.rank; ++i) {
    if (from[i] != 1) strides.of[missing + i] = x.of[i];
  }
  gather(s, 0, strides);
}

template <class T> constexpr void concat(const Step<T>& s) {
  const Strides strides(s.code.shape);
  std::size_t start = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    const Dims& part = s.args[k].shape;
    for (std::size_t b = 0; b < s.samples; ++b) {
      const T* const x = s.args[k].sample(b);
      T* const y = s.result(b);
      walk(part, start, strides, [x, y](std::size_t i, std::size_t j) { y[j] = x[i]; });
    }
    start += part[s.code.attr.axis] * strides.of[s.code.attr.axis];
  }
}

template <class T> constexpr void pad(const Step<T>& s) {
  const Attributes& attr = s.code.attr;
  Strides strides(s.code.shape);
  const std::size_t start = attr.start * strides.of[attr.axis];
  strides.of[attr.axis] *= attr.step;
  s.fill(T(0));
  for (std::size_t b = 0; b < s.samples; ++b) {
    const T* const x = s.args[0].sample(b);
    T* const y = s.result(b);
    walk(s.args[0].shape, start, strides, [x, y](std::size_t i, std::size_t j) { y[j] = x[i]; });
  }
}

/// Argument 0 with its last rows replaced by argument 1.
template <class T> constexpr void append(const Step<T>& s) {
  const std::size_t n = s.code.shape.size(), kept = n - s.args[1].shape.size();
  for (std::size_t b = 0; b < s.samples; ++b) {
    const T* const w = s.args[0].sample(b);
    const T* const x = s.args[1].sample(b);
    T* const y = s.result(b);
    for (std::size_t i = 0; i < n; ++i) y[i] = i < kept ? w[i] : x[i - kept];
  }
}

/// The row that an index names; the first one for NaN.
template <class T> constexpr std::size_t row_of(const T& index, std::size_t rows) {
  std::size_t row = 0;
  while (row + 1 < rows && !math::less(index, T(static_cast<double>(row + 1))) && index == index) {
    ++row;
  }
  return row;
}

template <class T> constexpr void embedding(const Step<T>& s) {
  const std::size_t rows = s.args[0].shape[0], n = s.args[0].shape[1];
  for (std::size_t b = 0; b < s.samples; ++b) {
    const T* const index = s.args[1].sample(b);
    for (std::size_t i = 0; i < s.args[1].shape.size(); ++i) {
      const T* const row = s.args[0].sample(b) + row_of(index[i], rows) * n;
      for (std::size_t j = 0; j < n; ++j) s.result(b)[i * n + j] = row[j];
    }
  }
}

template <class T> constexpr void embedding_gradient(const Step<T>& s) {
  const std::size_t rows = s.code.shape[0], n = s.code.shape[1];
  s.fill(T(0));
  for (std::size_t b = 0; b < s.samples; ++b) {
    const T* const g = s.args[0].sample(b);
    const T* const index = s.args[1].sample(b);
    for (std::size_t i = 0; i < s.args[1].shape.size(); ++i) {
      T* const row = s.result(b) + row_of(index[i], rows) * n;
      for (std::size_t j = 0; j < n; ++j) row[j] = row[j] + g[i * n + j];
    }
  }
}

}  // namespace etch::rule
