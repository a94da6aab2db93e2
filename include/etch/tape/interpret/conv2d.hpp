// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

#include "etch/tape/interpret/step.hpp"

namespace etch::rule {

/// The outputs i in [begin, end) whose tap i * stride + tap - padding lies in [0, extent).
struct TapRange {
  std::size_t begin;
  std::size_t end;

  constexpr TapRange(std::size_t tap, std::size_t stride, std::size_t padding, std::size_t extent,
                     std::size_t outputs)
      : begin(tap < padding ? (padding - tap + stride - 1) / stride : 0),
        end(tap < padding + extent ? (padding + extent - tap + stride - 1) / stride : 0) {
    if (end > outputs) end = outputs;
    if (begin > end) begin = end;
  }
};

/// conv2d is linear in x and in the weight, y[o, i, j] = sum w[o, c, p, q] x[c, i', j'], so it and
/// its two adjoints visit the same triples. Calls row(y, w, x, n) with offsets into the three
/// tensors: for k < n the element y + k meets w and x + k * attr.stride[1]. For each y the taps
/// come in the order of the weight.
template <class F>
constexpr void for_each_tap_row(const Attributes& attr, const Dims& x, const Dims& w,
                                const Dims& y, F row) {
  const std::size_t outputs_of_group = w[0] / attr.groups;
  for (std::size_t tap = 0, n = w.size(); tap < n; ++tap) {
    const std::size_t q = tap % w[3], p = tap / w[3] % w[2], c = tap / (w[3] * w[2]) % w[1];
    const std::size_t o = tap / (w[3] * w[2] * w[1]);
    const std::size_t p_tap = p * attr.dilation[0], q_tap = q * attr.dilation[1];
    const TapRange rows(p_tap, attr.stride[0], attr.padding[0], x[1], y[1]);
    const TapRange columns(q_tap, attr.stride[1], attr.padding[1], x[2], y[2]);
    if (columns.begin == columns.end) continue;
    const std::size_t channel = o / outputs_of_group * w[1] + c;
    const std::size_t j = columns.begin * attr.stride[1] + q_tap - attr.padding[1];
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      const std::size_t line = channel * x[1] + (i * attr.stride[0] + p_tap - attr.padding[0]);
      row((o * y[1] + i) * y[2] + columns.begin, tap, line * x[2] + j,
          columns.end - columns.begin);
    }
  }
}

/// What the weights of group g meet at the output (i, j), in their order: [c, p, q].
template <class T>
constexpr void copy_window(const Step<T>& s, const T* x, std::size_t g, std::size_t i,
                           std::size_t j, T* window) {
  const Attributes& attr = s.code.attr;
  const Dims& image = s.args[0].shape;
  const Dims& w = s.args[1].shape;
  for (std::size_t c = g * w[1]; c < (g + 1) * w[1]; ++c) {
    for (std::size_t p = 0; p < w[2]; ++p) {
      const std::size_t row = i * attr.stride[0] + p * attr.dilation[0] - attr.padding[0];
      for (std::size_t q = 0; q < w[3]; ++q, ++window) {
        const std::size_t column = j * attr.stride[1] + q * attr.dilation[1] - attr.padding[1];
        const bool inside = row < image[1] && column < image[2];  // below zero is large
        *window = inside ? x[(c * image[1] + row) * image[2] + column] : T(0);
      }
    }
  }
}

/// The same sums as those below in the same order, for compilers that run them: what leaves the
/// plane counts as zeros and is added too, as one long loop takes less of their time than many
/// short ones.
template <class T> constexpr void conv2d_by_windows(const Step<T>& s) {
  const auto& [x, w, unused] = s.args;
  const Dims& y = s.code.shape;
  const std::size_t groups = s.code.attr.groups, outputs = y[0] / groups;
  const std::size_t taps = w.shape.size() / w.shape[0], plane = y[1] * y[2];
  etch::detail::Table<T> window(taps, T(0));
  for (std::size_t b = 0; b < s.samples; ++b) {
    for (std::size_t g = 0; g < groups; ++g) {
      const T* const weight = w.sample(b) + g * outputs * taps;
      T* const result = s.result(b) + g * outputs * plane;
      for (std::size_t at = 0; at < plane; ++at) {
        copy_window(s, x.sample(b), g, at / y[2], at % y[2], window.data());
        for (std::size_t o = 0; o < outputs; ++o) {
          result[o * plane + at] = add_dot(T(0), window.data(), weight + o * taps, taps);
        }
      }
    }
  }
}

template <class T> constexpr void conv2d(const Step<T>& s) {
  const Attributes& attr = s.code.attr;
  const auto& [x, w, unused] = s.args;
  s.fill(T(0));
  if (std::is_constant_evaluated()) return conv2d_by_windows(s);
  for (std::size_t b = 0; b < s.samples; ++b) {
    for_each_tap_row(attr, x.shape, w.shape, s.code.shape,
                     [step = attr.stride[1], y_b = s.result(b), x_b = x.sample(b),
                      w_b = w.sample(b)](std::size_t yi, std::size_t wi, std::size_t xi,
                                         std::size_t n) {
                       const T weight = w_b[wi];
                       for (std::size_t k = 0; k < n; ++k) {
                         y_b[yi + k] = y_b[yi + k] + weight * x_b[xi + k * step];
                       }
                     });
  }
}

template <class T> constexpr void conv2d_input_gradient(const Step<T>& s) {
  const Attributes& attr = s.code.attr;
  const auto& [g, w, unused] = s.args;
  s.fill(T(0));
  for (std::size_t b = 0; b < s.samples; ++b) {
    for_each_tap_row(attr, s.code.shape, w.shape, g.shape,
                     [step = attr.stride[1], x_b = s.result(b), g_b = g.sample(b),
                      w_b = w.sample(b)](std::size_t gi, std::size_t wi, std::size_t xi,
                                         std::size_t n) {
                       const T weight = w_b[wi];
                       for (std::size_t k = 0; k < n; ++k) {
                         T& x = x_b[xi + k * step];
                         x = x + weight * g_b[gi + k];
                       }
                     });
  }
}

template <class T> constexpr void conv2d_weight_gradient(const Step<T>& s) {
  const Attributes& attr = s.code.attr;
  const auto& [g, x, unused] = s.args;
  s.fill(T(0));
  for (std::size_t b = 0; b < s.samples; ++b) {
    for_each_tap_row(attr, x.shape, s.code.shape, g.shape,
                     [step = attr.stride[1], w_b = s.result(b), g_b = g.sample(b),
                      x_b = x.sample(b)](std::size_t gi, std::size_t wi, std::size_t xi,
                                         std::size_t n) {
                       T total = w_b[wi];
                       for (std::size_t k = 0; k < n; ++k) {
                         total = total + g_b[gi + k] * x_b[xi + k * step];
                       }
                       w_b[wi] = total;
                     });
  }
}

}  // namespace etch::rule
