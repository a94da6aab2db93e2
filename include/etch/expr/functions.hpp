// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "etch/expr/elementwise.hpp"
#include "etch/expr/movement.hpp"
#include "etch/expr/recurrence.hpp"
#include "etch/expr/reductions.hpp"
#include "etch/expr/windows.hpp"

// The operators and functions formulas are written in. Shapes follow NumPy and PyTorch. They build
// types; nothing here computes. What stands here combines the others: products, tables, layers
// inside of formulas.

namespace etch {

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
template <class Layer, class... S> constexpr auto verdict_on_call() {
  if constexpr (requires { Layer::template fits<S...>(); }) return Layer::template fits<S...>();
  else return Fits{};
}

template <class E, std::size_t... k> constexpr auto results_of(std::index_sequence<k...>) {
  return std::tuple<ResultOf<k, E>...>{};
}
/// A tuple, if an expression has several results.
template <class E> constexpr auto results_of(E e) {
  if constexpr (are_shapes<ShapeOf<E>>) {
    return results_of<E>(std::make_index_sequence<ShapeOf<E>::count>{});
  } else {
    return e;
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

/// A layer used inside a formula; its parameters are found under `key`. One with several results
/// gives a tuple: const auto [y, z] = call<"both", Both>(x).
template <FixedString key, class Layer, Expr X, Expr... More> constexpr auto call(X x, More...) {
  using V = decltype(detail::verdict_on_call<Layer, ShapeOf<X>, ShapeOf<More>...>());
  static_assert(shapes_agree<V::ok, InFormula<Layer>, typename V::expected, typename V::got>,
                "etch: a layer called in this formula does not take what it is given");
  if constexpr (V::ok) return detail::results_of(Call<key, Layer, X, More...>{});
  else return x;  // spares the reader a second error
}

}  // namespace etch
