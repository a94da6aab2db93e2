// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <numbers>

#include "etch/expr/functions.hpp"

// Elementwise layers; y has the shape of x. Where x meets a kink the gradient is PyTorch's.

namespace etch {

/// max(x, 0).
struct ReLU {
  template <Expr X> static constexpr auto formula(X x) { return relu(x); }
};

/// x where x > 0, else slope x (Maas et al. 2013).
template <double slope = 0.01> struct LeakyReLU {
  template <Expr X> static constexpr auto formula(X x) {
    return where(x > constant<0.0>, x, constant<slope> * x);
  }
};

/// 1 / (1 + exp(-x)).
struct Sigmoid {
  template <Expr X> static constexpr auto formula(X x) { return sigmoid(x); }
};

struct Tanh {
  template <Expr X> static constexpr auto formula(X x) { return tanh(x); }
};

/// x Phi(x), Phi the distribution function of N(0, 1), exact (Hendrycks and Gimpel 2016).
struct GELU {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr auto one = constant<1.0>;
    return constant<0.5> * x * (one + erf(x * constant<1 / std::numbers::sqrt2>));
  }
};

/// GELU with Phi approximated by a tanh: PyTorch's approximate="tanh".
struct GELUTanh {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr auto scale = constant<std::numbers::sqrt2 * std::numbers::inv_sqrtpi>;
    const auto inner = scale * (x + constant<0.044715> * (x * x * x));
    return constant<0.5> * x * (constant<1.0> + tanh(inner));
  }
};

/// x sigmoid(x), also called swish.
struct SiLU {
  template <Expr X> static constexpr auto formula(X x) { return x * sigmoid(x); }
};

/// x where x > 0, else alpha (exp(x) - 1) (Clevert et al. 2016).
template <double alpha = 1.0> struct ELU {
  template <Expr X> static constexpr auto formula(X x) {
    // exp sees only the half it is meant for: the other would overflow and spoil the gradient.
    const auto positive = x > constant<0.0>;
    const auto below = where(positive, constant<0.0>, x);
    return where(positive, x, constant<alpha> * expm1(below));
  }
};

/// log(1 + exp(beta x)) / beta, written so that it neither overflows nor cancels.
template <double beta = 1.0> struct Softplus {
  template <Expr X> static constexpr auto formula(X x) {
    const auto z = constant<beta> * x;
    return (relu(z) + log1p(exp(-abs(z)))) / constant<beta>;
  }
};

namespace detail {
/// Applies a function of the last axis to axis `dim`.
template <int dim, Expr X, class F> constexpr auto over_axis(X x, F f) {
  constexpr std::size_t rank = ShapeOf<X>::rank;
  constexpr std::size_t axis = wrap_axis(dim, rank);
  if constexpr (axis + 1 == rank) {
    return f(x);
  } else {
    constexpr Attributes swap = [] {
      Attributes a;
      for (std::size_t i = 0; i < rank; ++i) a.order[i] = i;
      a.order[axis] = rank - 1;
      a.order[rank - 1] = axis;
      return a;
    }();
    constexpr Dims swapped = permuted_dims(swap, ShapeOf<X>::dims);
    const auto y = f(Node<Op::permute, swap, ShapeFrom<swapped>, X>{});
    return Node<Op::permute, swap, ShapeOf<X>, std::remove_const_t<decltype(y)>>{};
  }
}
}  // namespace detail

/// exp(x) / sum(exp(x)) over axis `dim` of the sample.
template <int dim = -1> struct Softmax {
  template <Expr X> static constexpr auto formula(X x) {
    return detail::over_axis<dim>(x, [](auto z) { return softmax(z); });
  }
};

/// The logarithm of Softmax, without taking the logarithm of a tiny number.
template <int dim = -1> struct LogSoftmax {
  template <Expr X> static constexpr auto formula(X x) {
    return detail::over_axis<dim>(x, [](auto z) { return log_softmax(z); });
  }
};

}  // namespace etch
