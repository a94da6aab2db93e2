// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/tape/interpret/step.hpp"

namespace etch::rule {

/// A matrix in memory: element (i, j) is data[i * row + j * column].
template <class T> struct Matrix {
  const T* data;
  std::size_t row;
  std::size_t column;
};

/// y += a b with y [m, n] contiguous. Each element of y gathers its products in the order of k,
/// whichever loop is innermost: the one along which b is contiguous.
template <class T>
constexpr void add_product(const Matrix<T>& a, const Matrix<T>& b, T* y, std::size_t m,
                           std::size_t n, std::size_t depth) {
  for (std::size_t i = 0; i < m; ++i, y += n) {
    const T* const a_row = a.data + i * a.row;
    if (b.row == 1) {
      for (std::size_t j = 0; j < n; ++j) {
        const T* const column = b.data + j * b.column;
        if (a.column == 1) {
          y[j] = add_dot(y[j], a_row, column, depth);
          continue;
        }
        T total = y[j];
        for (std::size_t k = 0; k < depth; ++k) total = total + a_row[k * a.column] * column[k];
        y[j] = total;
      }
    } else {
      for (std::size_t k = 0; k < depth; ++k) {
        const T factor = a_row[k * a.column];
        const T* const row = b.data + k * b.row;
        for (std::size_t j = 0; j < n; ++j) y[j] = y[j] + factor * row[j];
      }
    }
  }
}

/// The i-th matrix of the leading axes; an argument without them is shared.
template <class T>
constexpr Matrix<T> matrix(const Operand<T>& x, std::size_t sample, std::size_t i, bool transpose) {
  const std::size_t size = x.shape.back(0) * x.shape.back(1);
  const T* const data = x.sample(sample) + i * size % x.shape.size();
  const std::size_t columns = x.shape.back(0);
  return transpose ? Matrix<T>{data, 1, columns} : Matrix<T>{data, columns, 1};
}

template <class T> constexpr void matmul(const Step<T>& s) {
  const Attributes& attr = s.code.attr;
  const auto& [a, b, unused] = s.args;
  const std::size_t m = s.code.shape.back(1);
  const std::size_t n = s.code.shape.back(0);
  const std::size_t depth = a.shape.back(attr.transpose_a ? 1 : 0);
  const std::size_t matrices = s.code.shape.size() / (m * n);
  s.fill(T(0));
  for (std::size_t sample = 0; sample < s.samples; ++sample) {
    for (std::size_t i = 0; i < matrices; ++i) {
      add_product(matrix(a, sample, i, attr.transpose_a), matrix(b, sample, i, attr.transpose_b),
                  s.result(sample) + i * m * n, m, n, depth);
    }
  }
}

/// y[t] = sum over k of x[t + k d] weight[:, k].
template <class T> constexpr void conv1d(const Step<T>& s) {
  const auto& [x, weight, unused] = s.args;
  const std::size_t c = weight.shape[0], taps = weight.shape[1], o = weight.shape[2];
  const std::size_t d = s.code.attr.dilation[1] * c;
  s.fill(T(0));
  for (std::size_t b = 0; b < s.samples; ++b) {
    for (std::size_t k = 0; k < taps; ++k) {
      add_product(Matrix<T>{x.sample(b) + k * d, c, 1},
                  Matrix<T>{weight.sample(b) + k * o, taps * o, 1}, s.result(b), s.code.shape[0],
                  o, c);
    }
  }
}

}  // namespace etch::rule
