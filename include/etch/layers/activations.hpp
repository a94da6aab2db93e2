// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <numbers>

#include "etch/expr/functions.hpp"
#include "etch/layers/along_axis.hpp"

// Smooth layers and those every network has, elementwise, then what normalises or gates an axis;
// what is made of straight pieces is in piecewise.hpp. Where x meets a kink the gradient is
// PyTorch's.

namespace etch {

namespace detail {
/// log(1 + exp(z)), written so that it neither overflows nor cancels, with slope 1/2 at 0.
template <Expr Z> constexpr auto softplus(Z z) {
  // -|z|, but with a slope of 1 at 0, where relu contributes none.
  const auto below = where(z > constant<0.0>, -z, z);
  return relu(z) + log1p(exp(below));
}

/// x where x > 0, else alpha (exp(x / scale) - 1).
template <double alpha, double scale, Expr X> constexpr auto exponential_below(X x) {
  // exp sees only the half it is meant for: the other would overflow and spoil the gradient.
  const auto positive = x > constant<0.0>;
  const auto below = where(positive, constant<0.0>, x);
  if constexpr (scale == 1) return where(positive, x, constant<alpha> * expm1(below));
  else return where(positive, x, constant<alpha> * expm1(constant<1 / scale> * below));
}
}  // namespace detail

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

/// x tanh(log(1 + exp(x))) (Misra 2019).
struct Mish {
  template <Expr X> static constexpr auto formula(X x) {
    // With n = exp(x), tanh(log(1 + n)) = t / (t + 2), t = n (n + 2): one exp instead of three
    // functions. From 20 on the quotient is 1, even as a double.
    const auto n = exp(where(x < constant<20.0>, x, constant<20.0>));
    const auto t = n * (n + constant<2.0>);
    return x * (t / (t + constant<2.0>));
  }
};

/// x where x > 0, else alpha (exp(x) - 1) (Clevert et al. 2016).
template <double alpha = 1.0> struct ELU {
  template <Expr X> static constexpr auto formula(X x) {
    return detail::exponential_below<alpha, 1.0>(x);
  }
};

/// ELU scaled such that activations tend to mean 0 and variance 1 (Klambauer et al. 2017).
struct SELU {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr double alpha = 1.6732632423543772848, scale = 1.0507009873554804934;
    return constant<scale> * detail::exponential_below<alpha, 1.0>(x);
  }
};

/// x where x > 0, else alpha (exp(x / alpha) - 1), alpha > 0: slope 1 on both sides (Barron 2017).
template <double alpha = 1.0> struct CELU {
  template <class S> static constexpr auto fits() {
    if constexpr (alpha > 0) return Fits{};
    else return OptionMisfit<GreaterThan<0.0>, Real<alpha>>{};
  }
  template <Expr X> static constexpr auto formula(X x) {
    return detail::exponential_below<alpha, alpha>(x);
  }
};

/// log(1 + exp(beta x)) / beta.
template <double beta = 1.0> struct Softplus {
  template <Expr X> static constexpr auto formula(X x) {
    return detail::softplus(constant<beta> * x) / constant<beta>;
  }
};

/// log(sigmoid(x)), without taking the logarithm of a tiny number.
struct LogSigmoid {
  template <Expr X> static constexpr auto formula(X x) { return -detail::softplus(-x); }
};

/// x / (1 + |x|).
struct Softsign {
  template <Expr X> static constexpr auto formula(X x) { return x / (constant<1.0> + abs(x)); }
};

/// x - tanh(x).
struct Tanhshrink {
  template <Expr X> static constexpr auto formula(X x) { return x - tanh(x); }
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
template <int dim = -1> struct Softmax : detail::AlongAxis<dim> {
  template <Expr X> static constexpr auto formula(X x) {
    return detail::over_axis<dim>(x, [](auto z) { return softmax(z); });
  }
};

/// The logarithm of Softmax, without taking the logarithm of a tiny number.
template <int dim = -1> struct LogSoftmax : detail::AlongAxis<dim> {
  template <Expr X> static constexpr auto formula(X x) {
    return detail::over_axis<dim>(x, [](auto z) { return log_softmax(z); });
  }
};

/// Softmax of -x: the smallest element gets the most.
template <int dim = -1> struct Softmin : detail::AlongAxis<dim> {
  template <Expr X> static constexpr auto formula(X x) { return Softmax<dim>::formula(-x); }
};

/// a sigmoid(b), a and b being the halves of axis `dim` (Dauphin et al. 2017); [.., 2 n, ..] ->
/// [.., n, ..].
template <int dim = -1> struct GLU {
  template <class S> static constexpr auto fits() {
    constexpr auto along = detail::AlongAxis<dim>::template fits<S>();
    if constexpr (!along.ok) {
      return along;
    } else {
      constexpr std::size_t axis = detail::wrap_axis(dim, S::rank);
      return Verdict<S::dims[axis] % 2 == 0, EvenAxis<axis>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    const auto [a, b] = chunk<dim, 2>(x);
    return a * sigmoid(b);
  }
};

}  // namespace etch
