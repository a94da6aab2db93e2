// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/options.hpp"

// Where in a sequence [T, E] a position stands: attention by itself does not see it.

namespace etch {

/// x + weight, a trained vector for each position. weight: [T, E], drawn from N(0, 0.02^2).
struct PositionalEncoding {
  template <class S> static constexpr auto fits() {
    return Verdict<S::rank == 2, AnyShapeOfRank<2>, S>{};
  }

  template <Expr X> static constexpr auto formula(X x) {
    return x + parameter<"weight", ShapeOf<X>, Normal<0.02>>;
  }
};

namespace detail {

template <class S> constexpr auto has_pairs() {
  if constexpr (S::rank != 2) return Misfit<AnyShapeOfRank<2>, S>{};
  else return Verdict<S::dims[1] % 2 == 0, LastAxisDivisibleBy<2>, S>{};
}

/// t base^(-2 i / E) for t < T and i < E / 2.
template <double base, std::size_t t, std::size_t e> constexpr auto angles() {
  constexpr auto exponent = constant<-2 / static_cast<double>(e)> * iota<e / 2>;
  return reshape<Shape<t, 1>>(iota<t>) * pow(constant<base>, exponent);
}

/// a, b: [T, E / 2] -> [T, E], a in the even columns and b in the odd ones.
template <Expr A, Expr B> constexpr auto interleaved(A a, B b) {
  constexpr std::size_t t = extent_of<0>(A{}), half = extent_of<1>(A{});
  using Column = Shape<t, half, 1>;
  return reshape<Shape<t, 2 * half>>(concat<2>(reshape<Column>(a), reshape<Column>(b)));
}

}  // namespace detail

/// x + p with p[t, 2 i] = sin a and p[t, 2 i + 1] = cos a, a = t base^(-2 i / E)
/// (Vaswani et al. 2017). p is computed anew in each run.
template <double base = 10000.0> struct SinusoidalEncoding {
  template <class S> static constexpr auto fits() { return detail::has_pairs<S>(); }

  template <Expr X> static constexpr auto formula(X x) {
    const auto a = detail::angles<base, extent_of<0>(X{}), extent_of<1>(X{})>();
    return x + detail::interleaved(sin(a), cos(a));
  }
};

/// Turns each pair (x[t, 2 i], x[t, 2 i + 1]) by the angle a = t base^(-2 i / E) (Su et al. 2021).
/// For queries and keys: their products then depend on the distance of positions only.
template <double base = 10000.0> struct RotaryEncoding {
  template <class S> static constexpr auto fits() { return detail::has_pairs<S>(); }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t e = extent_of<1>(X{});
    const auto a = detail::angles<base, extent_of<0>(X{}), e>();
    const auto even = slice<1, 0, e, 2>(x);
    const auto odd = slice<1, 1, e, 2>(x);
    return detail::interleaved(even * cos(a) - odd * sin(a), odd * cos(a) + even * sin(a));
  }
};

}  // namespace etch
