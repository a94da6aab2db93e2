// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

#include "etch/expr/check.hpp"
#include "etch/expr/node.hpp"
#include "etch/expr/windows.hpp"

// The operators and functions formulas are written in. Shapes follow NumPy and PyTorch; axes may be
// negative (from the back). They build types; nothing here computes.

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

constexpr std::size_t wrap_axis(int axis, std::size_t rank) {
  return axis < 0 ? rank - static_cast<std::size_t>(-axis) : static_cast<std::size_t>(axis);
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

// Movement.
struct reshape_function {};
template <class S, Expr X> constexpr auto reshape(X) {
  static_assert(shapes_agree<S::size == ShapeOf<X>::size, InFormula<reshape_function>, Expected<S>,
                             Got<ShapeOf<X>>>,
                "etch: a reshape keeps the number of elements");
  return std::conditional_t<std::is_same_v<S, ShapeOf<X>>, X,
                            Node<Op::reshape, Attributes{}, S, X>>{};
}
namespace detail {
/// The extents of S, but for the last one, then the given ones.
template <class S, std::size_t... extents> constexpr Dims with_last() {
  Dims d;
  for (std::size_t i = 0; i + 1 < S::rank; ++i) d.push(S::dims[i]);
  (d.push(extents), ...);
  return d;
}
}  // namespace detail
template <Expr X> constexpr auto flatten(X x) { return reshape<Shape<ShapeOf<X>::size>>(x); }

struct broadcast_to_function {};
/// Stretches axes of extent one, and adds axes in front.
template <class S, Expr X> constexpr auto broadcast_to(X) {
  constexpr Broadcast both = broadcast_dims(ShapeOf<X>::dims, S::dims);
  constexpr bool ok = both.ok && both.dims == S::dims;
  static_assert(shapes_agree<ok, InFormula<broadcast_to_function>, Expected<S>, Got<ShapeOf<X>>>,
                "etch: this shape does not broadcast to that one");
  return detail::broadcast_node<X, S>{};
}

namespace detail {
template <std::size_t... order> constexpr Attributes in_order() {
  Attributes a;
  std::size_t i = 0;
  ((a.order[i++] = order), ...);
  return a;
}
}  // namespace detail

/// Axis i of the result is axis order[i] of x.
template <std::size_t... order, Expr X> constexpr auto permute(X) {
  static_assert(sizeof...(order) == ShapeOf<X>::rank, "etch: permute names every axis once");
  constexpr Attributes a = detail::in_order<order...>();
  return Node<Op::permute, a, ShapeFrom<permuted_dims(a, ShapeOf<X>::dims)>, X>{};
}

namespace detail {
template <std::size_t rank> constexpr Attributes swap_last_two() {
  Attributes a;
  for (std::size_t i = 0; i < rank; ++i) a.order[i] = i;
  a.order[rank - 2] = rank - 1;
  a.order[rank - 1] = rank - 2;
  return a;
}
}  // namespace detail

/// Swaps the last two axes.
template <Expr X> constexpr auto transpose(X) {
  static_assert(ShapeOf<X>::rank >= 2, "etch: transpose needs at least two axes");
  constexpr Attributes a = detail::swap_last_two<ShapeOf<X>::rank>();
  return Node<Op::permute, a, ShapeFrom<permuted_dims(a, ShapeOf<X>::dims)>, X>{};
}

struct slice_function {};
/// x[..., start:stop:step, ...] along one axis.
template <int axis, std::size_t start, std::size_t stop, std::size_t step = 1, Expr X>
constexpr auto slice(X) {
  constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<X>::rank);
  constexpr bool ok = start < stop && step > 0 && stop <= ShapeOf<X>::dims[at];
  static_assert(shapes_agree<ok, InFormula<slice_function>, Expected<AxisOfAtLeast<at, stop>>,
                             Got<ShapeOf<X>>>,
                "etch: a slice lies within its axis and is not empty");
  constexpr Dims dims = [] {
    Dims d = ShapeOf<X>::dims;
    d.extent[at] = (stop - start + step - 1) / step;
    return d;
  }();
  return Node<Op::slice, Attributes{.axis = at, .start = start, .step = step}, ShapeFrom<dims>,
              X>{};
}

struct concat_function {};
template <int axis, Expr A> constexpr auto concat(A a) { return a; }
template <int axis, Expr A, Expr B, Expr... More> constexpr auto concat(A, B, More... more) {
  constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<A>::rank);
  constexpr bool ok = [] {
    Dims d = ShapeOf<B>::dims;
    if (at < d.rank) d.extent[at] = ShapeOf<A>::dims[at];
    return d == ShapeOf<A>::dims;
  }();
  static_assert(shapes_agree<ok, InFormula<concat_function>, Expected<ShapeOf<A>>, Got<ShapeOf<B>>>,
                "etch: concat needs equal shapes but for the axis it runs along");
  constexpr Attributes attributes{.axis = at};
  using S = ShapeFrom<concat_dims(attributes, ShapeOf<A>::dims, ShapeOf<B>::dims)>;
  return concat<axis>(Node<Op::concat, attributes, S, A, B>{}, more...);
}

/// `before` and `after` zeros at the ends of one axis.
template <int axis, std::size_t before, std::size_t after, Expr X> constexpr auto pad(X x) {
  if constexpr (before + after == 0) {
    return x;
  } else {
    constexpr std::size_t at = detail::wrap_axis(axis, ShapeOf<X>::rank);
    constexpr Dims dims = [] {
      Dims d = ShapeOf<X>::dims;
      d.extent[at] += before + after;
      return d;
    }();
    return Node<Op::pad, Attributes{.axis = at, .start = before, .step = 1}, ShapeFrom<dims>, X>{};
  }
}

// Reductions.
/// As in sum<-1>(x, keepdim): reduced axes stay with extent one.
inline constexpr struct KeepDim {
} keepdim;

namespace detail {
/// No axis named: all of them.
template <std::size_t rank>
constexpr std::size_t axes_mask() {
  return (std::size_t{1} << rank) - 1;
}
template <std::size_t rank, int first, int... rest> constexpr std::size_t axes_mask() {
  return ((std::size_t{1} << wrap_axis(first, rank)) | ... |
          (std::size_t{1} << wrap_axis(rest, rank)));
}

constexpr Dims kept_dims(Dims dims, std::size_t axes) {
  for (std::size_t i = 0; i < dims.rank; ++i) {
    if ((axes >> i & 1) != 0) dims.extent[i] = 1;
  }
  return dims;
}

template <Op op, int... axes, Expr X> constexpr auto reduce(X x) {
  using S = ShapeOf<X>;
  if constexpr (S::rank == 0) {
    return x;
  } else {
    constexpr std::size_t mask = axes_mask<S::rank, axes...>();
    return Node<op, Attributes{.axes = mask}, ShapeFrom<reduced_dims(S::dims, mask)>, X>{};
  }
}

template <int... axes, Expr X, Expr Y> constexpr auto keep(X, Y reduced) {
  return reshape<ShapeFrom<kept_dims(ShapeOf<X>::dims, axes_mask<ShapeOf<X>::rank, axes...>())>>(
      reduced);
}
}  // namespace detail

template <int... axes, Expr X> constexpr auto sum(X x) {
  return detail::reduce<Op::sum, axes...>(x);
}
/// Over the samples of a batch as well; without axes, over them alone. Only batch statistics in
/// training may want it: the result is one for all samples.
template <int... axes, Expr X> constexpr auto sum_over_batch(X) {
  using S = ShapeOf<X>;
  constexpr std::size_t mask = [] {
    if constexpr (sizeof...(axes) == 0) return std::size_t{0};
    else return detail::axes_mask<S::rank, axes...>();
  }();
  return Node<Op::sum, Attributes{.axes = mask, .over_batch = true},
              ShapeFrom<reduced_dims(S::dims, mask)>, X>{};
}
template <int... axes, Expr X> constexpr auto sum(X x, KeepDim) {
  return detail::keep<axes...>(x, sum<axes...>(x));
}
/// The largest element along the axes; the gradient is shared equally by ties (torch.amax).
template <int... axes, Expr X> constexpr auto max(X x) {
  return detail::reduce<Op::max_reduce, axes...>(x);
}
template <int... axes, Expr X> constexpr auto max(X x, KeepDim) {
  return detail::keep<axes...>(x, max<axes...>(x));
}
template <int... axes, Expr X> constexpr auto mean(X x) {
  constexpr auto total = decltype(sum<axes...>(x)){};
  return total / constant<static_cast<double>(ShapeOf<X>::size) /
                          static_cast<double>(ShapeOf<decltype(sum<axes...>(x))>::size)>;
}
template <int... axes, Expr X> constexpr auto mean(X x, KeepDim) {
  return detail::keep<axes...>(x, mean<axes...>(x));
}

/// exp(x) / sum(exp(x)) over the last axis, computed with the maximum subtracted.
template <Expr X> constexpr auto softmax(X x) { return detail::unary<Op::softmax>(x); }
template <Expr X> constexpr auto log_softmax(X x) { return detail::unary<Op::log_softmax>(x); }

/// softmax over the last axis of the places where `mask` is not zero; zero at the others, and in
/// rows that have no such place, whose softmax would be 0 / 0.
template <Expr X, Expr M> constexpr auto masked_softmax(X x, M mask) {
  return where(mask, softmax(where(mask, x, constant<-1e30>)), constant<0.0>);
}

// Products.
struct matmul_function {};

namespace detail {
/// [n] counts as a row in front and as a column behind, as in NumPy.
template <Expr X> constexpr auto as_row(X x) {
  if constexpr (ShapeOf<X>::rank == 1) return reshape<Shape<1, ShapeOf<X>::size>>(x);
  else return x;
}
template <Expr X> constexpr auto as_column(X x) {
  if constexpr (ShapeOf<X>::rank == 1) return reshape<Shape<ShapeOf<X>::size, 1>>(x);
  else return x;
}

constexpr bool leading_agree(const Dims& a, const Dims& b) {
  if (a.rank == 2 || b.rank == 2) return true;
  if (a.rank != b.rank) return false;
  for (std::size_t i = 0; i + 2 < a.rank; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

constexpr Dims product_dims(const Dims& a, const Dims& b, std::size_t rank_a, std::size_t rank_b) {
  Dims full = matmul_dims({}, a, b);
  Dims d;
  for (std::size_t i = 0; i + 2 < full.rank; ++i) d.push(full[i]);
  if (rank_a != 1) d.push(full.back(1));
  if (rank_b != 1) d.push(full.back(0));
  return d;
}
}  // namespace detail

/// Matrix product over the last two axes; vectors as in NumPy; leading axes equal, or absent on one
/// side. [.., M, K] x [.., K, N] -> [.., M, N].
template <Expr A, Expr B> constexpr auto matmul(A a, B b) {
  using X = decltype(detail::as_row(a));
  using Y = decltype(detail::as_column(b));
  constexpr Dims x = ShapeOf<X>::dims, y = ShapeOf<Y>::dims;
  constexpr bool ok = x.back(0) == y.back(1) && detail::leading_agree(x, y);
  static_assert(shapes_agree<ok, InFormula<matmul_function>, Expected<ShapeOf<A>>, Got<ShapeOf<B>>>,
                "etch: matmul needs [.., M, K] and [.., K, N]");
  using Product = Node<Op::matmul, Attributes{}, ShapeFrom<matmul_dims({}, x, y)>, X, Y>;
  return reshape<ShapeFrom<detail::product_dims(x, y, ShapeOf<A>::rank, ShapeOf<B>::rank)>>(
      Product{});
}

/// index: a scalar holding a class number -> [n], one at the index and zero elsewhere.
template <std::size_t n, Expr I> constexpr auto one_hot(I index) { return equal(iota<n>, index); }

namespace detail {
template <class Layer, class... Shapes> constexpr auto verdict_on_call() {
  if constexpr (requires { Layer::template fits<Shapes...>(); }) {
    return Layer::template fits<Shapes...>();
  } else {
    return Fits{};
  }
}
}  // namespace detail

struct embedding_function {};
/// Row index[i] of table [rows, n] for each i: [index..., n]. Indices are whole numbers from 0; one
/// outside of the table counts as the nearest inside.
template <Expr Table, Expr I> constexpr auto embedding(Table, I) {
  constexpr bool ok = ShapeOf<Table>::rank == 2 && ShapeOf<I>::rank < max_rank;
  static_assert(shapes_agree<ok, InFormula<embedding_function>, Expected<AnyShapeOfRank<2>>,
                             Got<ShapeOf<Table>>>,
                "etch: a table is a matrix, and indices leave room for one axis more");
  using S = ShapeFrom<embedding_dims(ShapeOf<Table>::dims, ShapeOf<I>::dims)>;
  return Node<Op::embedding, Attributes{}, S, Table, I>{};
}

namespace detail {
constexpr std::size_t digits_of(std::size_t number) {
  return number < 10 ? 1 : 1 + digits_of(number / 10);
}
/// "0", "1", ... as a template argument.
template <std::size_t number> constexpr auto number_key() {
  constexpr std::size_t digits = digits_of(number);
  char text[digits + 1] = {};
  for (std::size_t i = digits, rest = number; i-- > 0; rest /= 10) {
    text[i] = static_cast<char>('0' + rest % 10);
  }
  return FixedString<digits + 1>(text);
}
}  // namespace detail

/// A layer used inside a formula; its parameters are found under `key`.
template <FixedString key, class Layer, Expr X, Expr... More> constexpr auto call(X x, More...) {
  using V = decltype(detail::verdict_on_call<Layer, ShapeOf<X>, ShapeOf<More>...>());
  static_assert(shapes_agree<V::ok, InFormula<Layer>, typename V::expected, typename V::got>,
                "etch: a layer called in this formula does not take what it is given");
  if constexpr (V::ok) return Call<key, Layer, X, More...>{};
  else return x;  // spares the reader a second error
}

}  // namespace etch
