// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

#include "etch/expr/check.hpp"
#include "etch/expr/node.hpp"

// Literals, operators and functions that work element by element; shapes broadcast as in NumPy.

namespace etch {

struct elementwise_function {};

namespace detail {

template <class X, class S>
using broadcast_node = std::conditional_t<std::is_same_v<ShapeOf<X>, S>, X,
                                          Node<Op::broadcast, Attributes{}, S, X>>;

/// The one place where shapes of elementwise arguments meet.
template <Op op, class S, class... Args> constexpr auto elementwise() {
  return Node<op, Attributes{}, S, broadcast_node<Args, S>...>{};
}

template <class A, class B> constexpr auto common_shape() {
  constexpr Broadcast both = broadcast_dims(ShapeOf<A>::dims, ShapeOf<B>::dims);
  static_assert(shapes_agree<both.ok, InFormula<elementwise_function>, Expected<ShapeOf<A>>,
                             Got<ShapeOf<B>>>,
                "etch: these shapes do not broadcast to a common one");
  constexpr Dims dims = both.dims;
  return ShapeFrom<dims>{};
}

template <Op op, Expr X> constexpr auto unary(X) {
  return Node<op, Attributes{}, ShapeOf<X>, X>{};
}

template <Op op, Expr A, Expr B> constexpr auto binary(A, B) {
  return elementwise<op, decltype(common_shape<A, B>()), A, B>();
}

/// The number that a literal such as 0.5_c or 1e-5_c spells, for up to 15 digits the nearest
/// double.
constexpr double literal_value(const char* s, std::size_t n) {
  double value = 0, scale = 1;
  int exponent = 0, written = 0;
  std::size_t i = 0;
  bool fraction = false;
  for (; i < n && s[i] != 'e' && s[i] != 'E'; ++i) {
    if (s[i] == '.') fraction = true;
    if (s[i] == '.' || s[i] == '\'') continue;
    value = value * 10 + (s[i] - '0');
    if (fraction) --exponent;
  }
  const bool negative = i + 1 < n && s[i + 1] == '-';
  for (; i < n; ++i) {
    if (s[i] >= '0' && s[i] <= '9') written = written * 10 + (s[i] - '0');
  }
  exponent += negative ? -written : written;
  for (int k = exponent < 0 ? -exponent : exponent; k > 0; --k) scale *= 10;
  return exponent < 0 ? value / scale : value * scale;
}

constexpr bool is_decimal(const char* s, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if (s[i] == 'x' || s[i] == 'X' || s[i] == 'b' || s[i] == 'B') return false;
  }
  return true;
}

}  // namespace detail

namespace literals {
/// 0.5_c is constant<0.5>: a number inside a formula has to be part of its type.
template <char... digits> constexpr auto operator""_c() {
  constexpr char text[] = {digits...};
  static_assert(detail::is_decimal(text, sizeof...(digits)),
                "etch: a number in a formula is written in decimal");
  return Constant<detail::literal_value(text, sizeof...(digits))>{};
}
}  // namespace literals

// Elementwise, one argument.
template <Expr X> constexpr auto operator-(X x) { return detail::unary<Op::neg>(x); }
template <Expr X> constexpr auto abs(X x) { return detail::unary<Op::abs>(x); }
template <Expr X> constexpr auto exp(X x) { return detail::unary<Op::exp>(x); }
template <Expr X> constexpr auto expm1(X x) { return detail::unary<Op::expm1>(x); }
template <Expr X> constexpr auto log(X x) { return detail::unary<Op::log>(x); }
template <Expr X> constexpr auto log1p(X x) { return detail::unary<Op::log1p>(x); }
template <Expr X> constexpr auto sqrt(X x) { return detail::unary<Op::sqrt>(x); }
template <Expr X> constexpr auto rsqrt(X x) { return detail::unary<Op::rsqrt>(x); }
template <Expr X> constexpr auto sin(X x) { return detail::unary<Op::sin>(x); }
template <Expr X> constexpr auto cos(X x) { return detail::unary<Op::cos>(x); }
template <Expr X> constexpr auto tanh(X x) { return detail::unary<Op::tanh>(x); }
template <Expr X> constexpr auto sigmoid(X x) { return detail::unary<Op::sigmoid>(x); }
template <Expr X> constexpr auto erf(X x) { return detail::unary<Op::erf>(x); }
/// max(x, 0), its gradient at 0 being 0 as in PyTorch.
template <Expr X> constexpr auto relu(X x) { return detail::unary<Op::relu>(x); }

// Elementwise, two arguments; shapes broadcast.
template <Expr A, Expr B> constexpr auto operator+(A a, B b) {
  return detail::binary<Op::add>(a, b);
}
template <Expr A, Expr B> constexpr auto operator-(A a, B b) {
  return detail::binary<Op::sub>(a, b);
}
template <Expr A, Expr B> constexpr auto operator*(A a, B b) {
  return detail::binary<Op::mul>(a, b);
}
template <Expr A, Expr B> constexpr auto operator/(A a, B b) {
  return detail::binary<Op::div>(a, b);
}
template <Expr A, Expr B> constexpr auto max(A a, B b) { return detail::binary<Op::max>(a, b); }
template <Expr A, Expr B> constexpr auto min(A a, B b) { return detail::binary<Op::min>(a, b); }
template <Expr A, Expr B> constexpr auto pow(A a, B b) { return detail::binary<Op::pow>(a, b); }

// Comparisons are 1 where true, else 0.
template <Expr A, Expr B> constexpr auto operator<(A a, B b) {
  return detail::binary<Op::less>(a, b);
}
template <Expr A, Expr B> constexpr auto operator>(A a, B b) { return b < a; }
template <Expr A, Expr B> constexpr auto operator<=(A a, B b) {
  return detail::binary<Op::less_equal>(a, b);
}
template <Expr A, Expr B> constexpr auto operator>=(A a, B b) { return b <= a; }
template <Expr A, Expr B> constexpr auto equal(A a, B b) { return detail::binary<Op::equal>(a, b); }

/// a where the condition is not zero, else b.
template <Expr C, Expr A, Expr B> constexpr auto where(C, A, B) {
  using AB = decltype(detail::common_shape<A, B>());
  using S = decltype(detail::common_shape<C, Argument<0, AB>>());
  return detail::elementwise<Op::where, S, C, A, B>();
}

}  // namespace etch
