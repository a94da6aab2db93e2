// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "etch/expr/mix.hpp"
#include "etch/tape/interpret/step.hpp"

namespace etch::rule {

/// y_i = f(a_i), f(a_i, b_i) or f(a_i, b_i, c_i), as f takes them.
template <class T, class F> constexpr void map(const Step<T>& s, F f) {
  const std::size_t n = s.code.shape.size();
  for (std::size_t sample = 0; sample < s.samples; ++sample) {
    T* const y = s.result(sample);
    const T* const a = s.args[0].sample(sample);
    if constexpr (std::is_invocable_v<F, T>) {
      for (std::size_t i = 0; i < n; ++i) y[i] = f(a[i]);
    } else {
      const T* const b = s.args[1].sample(sample);
      if constexpr (std::is_invocable_v<F, T, T>) {
        for (std::size_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
      } else {
        const T* const c = s.args[2].sample(sample);
        for (std::size_t i = 0; i < n; ++i) y[i] = f(a[i], b[i], c[i]);
      }
    }
  }
}

/// The sign of zero is dropped; the derivative of a dual number at zero is zero, as PyTorch's.
template <class T> constexpr T absolute(const T& x) {
  if (x == T(0)) return T(0);
  return math::less(x, T(0)) ? -x : x;
}

/// NaN stays; the derivative of a dual number at zero is zero, as PyTorch's.
template <class T> constexpr T relu(const T& x) {
  return math::less(x, T(0)) || x == T(0) ? T(0) : x;
}

/// The keys are those of the first sample: all have the same. NaN for number types without a way
/// back to double, in which keys cannot be read.
template <class T> constexpr void random(const Step<T>& s) {
  if constexpr (requires(T x) { static_cast<double>(x); }) {
    const std::size_t n = s.code.shape.size();
    const auto key = [&](std::size_t k) {
      return static_cast<std::uint32_t>(static_cast<double>(s.args[k].data[0]));
    };
    const auto stream = static_cast<std::uint32_t>(s.code.attr.index);
    for (std::size_t i = 0; i < n * s.samples; ++i) {
      const auto place = static_cast<std::uint32_t>(i);
      s.data[i] = T(static_cast<double>(etch::detail::uniform_at(place, stream, key(0), key(1))));
    }
  } else {
    s.fill(T(std::numeric_limits<double>::quiet_NaN()));
  }
}

}  // namespace etch::rule
