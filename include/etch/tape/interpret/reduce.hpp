// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <limits>

#include "etch/tape/interpret/step.hpp"

namespace etch::rule {

/// y = the fold of x over attr.axes by `combine`, starting from `first`.
template <class T, class F> constexpr void reduce(const Step<T>& s, const T& first, F combine) {
  const Dims& shape = s.args[0].shape;
  const Strides kept(s.code.shape);
  Strides strides;
  for (std::size_t axis = 0, i = 0; axis < shape.rank; ++axis) {
    if ((s.code.attr.axes >> axis & 1) == 0) strides.of[axis] = kept.of[i++];
  }
  s.fill(first);
  for (std::size_t b = 0; b < s.samples; ++b) {
    const T* const x = s.args[0].sample(b);
    T* const y = s.result(b);
    walk(shape, 0, strides, [x, y, combine](std::size_t i, std::size_t j) {
      y[j] = combine(y[j], x[i]);
    });
  }
}

template <class T> constexpr void sum(const Step<T>& s) {
  reduce(s, T(0), [](const T& a, const T& b) { return a + b; });
}

template <class T> constexpr void max_reduce(const Step<T>& s) {
  reduce(s, T(-std::numeric_limits<double>::infinity()),
         [](const T& a, const T& b) { return maximum(a, b); });
}

/// Calls row(x, y, n) for each run of n elements along the last axis.
template <class T, class F> constexpr void for_each_row(const Step<T>& s, F row) {
  const std::size_t size = s.code.shape.size();
  const std::size_t n = s.code.shape.rank == 0 ? 1 : s.code.shape.back(0);
  for (std::size_t b = 0; b < s.samples; ++b) {
    for (std::size_t i = 0; i < size; i += n) row(s.args[0].sample(b) + i, s.result(b) + i, n);
  }
}

template <class T> constexpr T row_maximum(const T* x, std::size_t n) {
  T largest = x[0];
  for (std::size_t i = 1; i < n; ++i) largest = maximum(largest, x[i]);
  return largest;
}

/// y_i = e^(x_i - max) / sum_j e^(x_j - max)
template <class T> constexpr void softmax(const Step<T>& s) {
  for_each_row(s, [](const T* x, T* y, std::size_t n) {
    using math::exp;
    const T shift = row_maximum(x, n);
    T total = T(0);
    for (std::size_t i = 0; i < n; ++i) {
      y[i] = exp(x[i] - shift);
      total = total + y[i];
    }
    for (std::size_t i = 0; i < n; ++i) y[i] = y[i] / total;
  });
}

/// y_i = x_i - max - log sum_j e^(x_j - max)
template <class T> constexpr void log_softmax(const Step<T>& s) {
  for_each_row(s, [](const T* x, T* y, std::size_t n) {
    using math::exp;
    using math::log;
    const T shift = row_maximum(x, n);
    T total = T(0);
    for (std::size_t i = 0; i < n; ++i) total = total + exp(x[i] - shift);
    const T log_total = log(total);
    for (std::size_t i = 0; i < n; ++i) y[i] = x[i] - shift - log_total;
  });
}

}  // namespace etch::rule
