// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/shape.hpp"
#include "etch/tape/tape.hpp"

// How parameters are drawn. `value<S>` is computed without <cmath>, whose functions are not
// constexpr.

namespace etch {

namespace detail {
/// Newton's iteration from above; exact to the last bits for the sizes that fan-ins have.
constexpr double square_root(double x) {
  if (x <= 0) return 0;
  double y = x > 1 ? x : 1;
  for (int i = 0; i < 200; ++i) {
    const double next = (y + x / y) / 2;
    if (next >= y) break;
    y = next;
  }
  return y;
}
}  // namespace detail

template <double number = 0.0> struct Fill {
  template <class S> static constexpr Init value{Init::Kind::constant, number};
};
using Zeros = Fill<0.0>;
using Ones = Fill<1.0>;

/// N(0, deviation^2).
template <double deviation = 1.0> struct Normal {
  template <class S> static constexpr Init value{Init::Kind::normal, deviation};
};

/// U(-bound, bound).
template <double bound> struct Uniform {
  template <class S> static constexpr Init value{Init::Kind::uniform, bound};
};

/// U(-1/sqrt(n), 1/sqrt(n)): PyTorch's default for biases, n the fan-in of the weight beside it.
template <std::size_t n> struct FanInUniform {
  template <class S>
  static constexpr Init value{Init::Kind::uniform,
                              1 / detail::square_root(static_cast<double>(n))};
};

/// He et al. 2015 with a = sqrt(5), PyTorch's default for Linear and Conv weights [out, in, ...]:
/// the bound is again 1/sqrt(fan-in), fan-in being everything behind the first axis.
struct KaimingUniform {
  template <class S>
  static constexpr Init value{
      Init::Kind::uniform,
      1 / detail::square_root(static_cast<double>(S::size) / static_cast<double>(S::dims[0]))};
};

/// Glorot and Bengio 2010: U(-a, a), a = sqrt(6 / (fan-in + fan-out)), for a weight [out, in].
struct XavierUniform {
  template <class S>
  static constexpr Init value{
      Init::Kind::uniform,
      detail::square_root(6 * static_cast<double>(S::dims[0]) /
                          static_cast<double>(S::size + S::dims[0] * S::dims[0]))};
};

}  // namespace etch
