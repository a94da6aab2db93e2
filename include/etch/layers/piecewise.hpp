// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/channels.hpp"

// Elementwise layers of straight pieces: no exp, only comparisons; y has the shape of x. At a kink
// the gradient is PyTorch's, and NaN stays NaN (but in Heaviside): that decides which side a
// comparison names.

namespace etch {

namespace detail {
/// x within [low, high]; at both ends and beyond, the gradient is 0.
template <double low, double high, Expr X> constexpr auto clamped(X x) {
  const auto below_high = where(x >= constant<high>, constant<high>, x);
  return where(x <= constant<low>, constant<low>, below_high);
}

template <double lambda> struct Shrinks {
  template <class S> static constexpr auto fits() {
    if constexpr (lambda >= 0) return Fits{};
    else return OptionMisfit<NotBelow<0.0>, Real<lambda>>{};
  }
};
}  // namespace detail

/// x where x > 0, else w x with a learned slope w, drawn as `init` (He et al. 2015).
/// weight: [num_parameters], one slope for all or one for each channel, that is axis 0.
template <std::size_t num_parameters = 1, double init = 0.25> struct PReLU {
  template <class S> static constexpr auto fits() {
    if constexpr (num_parameters == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else if constexpr (num_parameters == 1) {
      return Fits{};
    } else if constexpr (S::rank == 0) {
      return Misfit<RankOfAtLeast<1>, S>{};
    } else {
      return Verdict<S::dims[0] == num_parameters, Channels<num_parameters>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr auto w = parameter<"weight", Shape<num_parameters>, Fill<init>>;
    return where(x > constant<0.0>, x, detail::per_channel<ShapeOf<X>>(w) * x);
  }
};

/// x within [min, max].
template <double min = -1.0, double max = 1.0> struct Hardtanh {
  template <class S> static constexpr auto fits() {
    if constexpr (max > min) return Fits{};
    else return OptionMisfit<GreaterThan<min>, Real<max>>{};
  }
  template <Expr X> static constexpr auto formula(X x) { return detail::clamped<min, max>(x); }
};

/// min(max(x, 0), 6).
struct ReLU6 {
  template <Expr X> static constexpr auto formula(X x) { return detail::clamped<0.0, 6.0>(x); }
};

/// The line x / 6 + 1/2 within [0, 1]: a sigmoid of three pieces.
struct Hardsigmoid {
  template <Expr X> static constexpr auto formula(X x) {
    return constant<1.0 / 6.0> * detail::clamped<0.0, 6.0>(x + constant<3.0>);
  }
};

/// x hardsigmoid(x) (Howard et al. 2019). The gradient is 0 at -3 and 1 at 3, where PyTorch 1.13
/// takes that of the parabola between.
struct Hardswish {
  template <Expr X> static constexpr auto formula(X x) { return x * Hardsigmoid::formula(x); }
};

/// x where |x| > lambda, else 0.
template <double lambda = 0.5> struct Hardshrink : detail::Shrinks<lambda> {
  template <Expr X> static constexpr auto formula(X x) {
    return where(abs(x) <= constant<lambda>, constant<0.0>, x);
  }
};

/// x drawn towards 0 by lambda, and 0 where |x| <= lambda.
template <double lambda = 0.5> struct Softshrink : detail::Shrinks<lambda> {
  template <Expr X> static constexpr auto formula(X x) {
    const auto drawn = where(x > constant<0.0>, x - constant<lambda>, x + constant<lambda>);
    return where(abs(x) <= constant<lambda>, constant<0.0>, drawn);
  }
};

/// x where x > threshold, else value.
template <double threshold, double value> struct Threshold {
  template <Expr X> static constexpr auto formula(X x) {
    return where(x <= constant<threshold>, constant<value>, x);
  }
};

/// 1 where x > 0, else 0: the perceptron's (Rosenblatt 1958). No gradient flows through it.
struct Heaviside {
  template <Expr X> static constexpr auto formula(X x) { return x > constant<0.0>; }
};

}  // namespace etch
