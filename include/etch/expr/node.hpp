// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include "etch/expr/number_type.hpp"
#include "etch/expr/op.hpp"
#include "etch/expr/shape.hpp"

namespace etch {

/// A string that can be a template argument.
template <std::size_t n> struct FixedString {
  char text[n] = {};

  // NOLINTNEXTLINE(google-explicit-constructor): "weight" is to be written where a name is wanted
  constexpr FixedString(const char (&s)[n]) {
    for (std::size_t i = 0; i < n; ++i) text[i] = s[i];
  }
  constexpr std::string_view view() const { return {text, n - 1}; }
  constexpr bool operator==(const FixedString&) const = default;
};

/// Base of everything a formula is made of: empty types, one object of each is as good as another.
struct Expression {};

template <class T>
concept Expr = std::derived_from<T, Expression> && requires { typename T::shape; };

/// The result of a primitive op on other expressions.
template <Op op, Attributes attributes, class S, class... Args> struct Node : Expression {
  using shape = S;
};

/// What a formula is given: the shape of one sample of its `index`-th argument.
template <std::size_t index, class S> struct Argument : Expression {
  using shape = S;
};

/// A number. It broadcasts to whatever it meets.
template <double number> struct Constant : Expression {
  using shape = Shape<>;
};

/// 0, 1, 2, ... along a new axis of length n.
template <std::size_t n> struct Iota : Expression {
  using shape = Shape<n>;
};

/// Numbers that are known when the network is compiled, row-major: `values` is a constexpr array
/// with a name of its own.
template <const auto& values, class S> struct Constants : Expression {
  static_assert(values.size() == S::size, "etch: a table has as many numbers as its shape");
  using shape = S;
};

/// How a tensor of a network changes in training: by the optimizer; by what the forward pass finds
/// (a running mean); or not at all.
enum class Role : unsigned char { trained, buffer, frozen };

/// A named tensor; `Initializer::template value<S>` says how it is drawn.
template <FixedString name, class S, class Initializer, Role role = Role::trained>
struct Parameter : Expression {
  using shape = S;
};

/// One expression in training, another one of the same shape in inference.
template <class T, class I> struct ByPhase : Expression {
  static_assert(std::is_same_v<typename T::shape, typename I::shape>,
                "etch: both expressions of by_phase have the same shape");
  using shape = typename I::shape;
};

template <class T> inline constexpr bool is_buffer = false;
template <FixedString name, class S, class Initializer>
inline constexpr bool is_buffer<Parameter<name, S, Initializer, Role::buffer>> = true;

/// Y; a training step also gives the buffer B the value V.
template <class Y, class B, class V> struct Renewed : Expression {
  static_assert(is_buffer<B>, "etch: only a buffer can be renewed");
  static_assert(std::is_same_v<typename B::shape, typename V::shape>,
                "etch: a buffer is renewed by a value of its own shape");
  using shape = typename Y::shape;
};

/// Y, whose parameters no training changes.
template <class Y> struct Frozen : Expression {
  using shape = typename Y::shape;
};

/// Y, whose matrices and kernels are stored as `type`.
template <NumberType type, class Y> struct StoredAs : Expression {
  using shape = typename Y::shape;
};

/// What a sample counts in the batch of a training step. The weights add up to one; those of rows
/// that only fill up the last batch are zero.
struct SampleWeight : Expression {
  using shape = Shape<>;
};

/// A layer applied to expressions; its parameters live under `key`. Keeping the call as a node (and
/// not the expanded formula) lets equal layers share one lowering, and keeps type names short.
template <FixedString key, class Layer, class... Args> struct Call;

/// Layers applied one after the other to X; those of `Layers` keep their parameters under their
/// position: "0", "1", ...
template <class X, class... Layers> struct Piped;

/// The shapes of several values, where one shape could stand.
template <class... S> struct Shapes {
  static constexpr std::size_t count = sizeof...(S);
  static constexpr std::size_t size = (std::size_t{0} + ... + S::size);
};

/// Several results of one formula, in order.
template <class... E> struct Outputs : Expression {
  using shape = Shapes<typename E::shape...>;
};

/// Several values as the input of a pipeline.
template <class... X> struct Values : Expression {
  using shape = Shapes<typename X::shape...>;
};

template <class S> inline constexpr bool are_shapes = false;
template <class... S> inline constexpr bool are_shapes<Shapes<S...>> = true;

namespace detail {
template <std::size_t k, class S> struct shape_at;
template <std::size_t k, class First, class... Rest> struct shape_at<k, Shapes<First, Rest...>> {
  using type = typename shape_at<k - 1, Shapes<Rest...>>::type;
};
template <class First, class... Rest> struct shape_at<0, Shapes<First, Rest...>> {
  using type = First;
};
}  // namespace detail

/// The k-th of several results.
template <std::size_t k, class E> struct ResultOf : Expression {
  using shape = typename detail::shape_at<k, typename E::shape>::type;
};

/// X, which a network puts out under a name.
template <FixedString name, class X> struct Tapped : Expression {
  using shape = typename X::shape;
};

/// Y, then what is tapped in it, as one row of numbers S.
template <class Y, class S> struct Collected : Expression {
  using shape = S;
};

/// A layer whose parameters are named without regard to where it stands.
template <FixedString name, class Layer, class... Args> struct Shared;

/// Independent numbers from [0, 1), others in each step of training; there are none in inference
/// (see by_phase). Formulas that want several tensors of one shape number them.
template <class S, std::size_t number> struct Uniform01 : Expression {
  using shape = S;
};

template <double number> inline constexpr Constant<number> constant{};
template <std::size_t n> inline constexpr Iota<n> iota{};
template <const auto& values, class S> inline constexpr Constants<values, S> constants{};

template <FixedString name, class S, class Initializer>
inline constexpr Parameter<name, S, Initializer> parameter{};

/// A tensor that no optimizer touches: see `renewed`.
template <FixedString name, class S, class Initializer>
inline constexpr Parameter<name, S, Initializer, Role::buffer> buffer{};

inline constexpr SampleWeight sample_weight{};
template <class S, std::size_t number = 0> inline constexpr Uniform01<S, number> uniform{};

template <class X> using ShapeOf = typename X::shape;

namespace detail {
// Shapes are asked for with plain arguments, so that equal layers at different places of a network
// are one type and one instantiation.
template <class Layer, class Indices, class... S> struct result_shape;
template <class Layer, std::size_t... i, class... S>
struct result_shape<Layer, std::index_sequence<i...>, S...> {
  using type = ShapeOf<decltype(Layer::formula(Argument<i, S>{}...))>;
};
template <class Layer, class... S>
struct result_shape<Layer, std::index_sequence<0>, Shapes<S...>>
    : result_shape<Layer, std::index_sequence_for<S...>, S...> {};
}  // namespace detail

/// The output shape of a layer for inputs of the given shapes; Shapes, if it has several results.
template <class Layer, class... S>
using ResultShape = typename detail::result_shape<Layer, std::index_sequence_for<S...>, S...>::type;

namespace detail {
template <class S, class... Layers> struct piped_shape {
  using type = S;
};
template <class S, class First, class... Rest>
struct piped_shape<S, First, Rest...> : piped_shape<ResultShape<First, S>, Rest...> {};
}  // namespace detail

template <FixedString key, class Layer, class... Args> struct Call : Expression {
  using shape = ResultShape<Layer, ShapeOf<Args>...>;
};

template <FixedString name, class Layer, class... Args> struct Shared : Expression {
  using shape = ResultShape<Layer, ShapeOf<Args>...>;
};

template <class X, class... Layers> struct Piped : Expression {
  using shape = typename detail::piped_shape<ShapeOf<X>, Layers...>::type;
};

/// `training` while the network is trained, `inference` when it runs.
template <Expr T, Expr I> constexpr auto by_phase(T, I) { return ByPhase<T, I>{}; }

/// y; a training step also writes `value` to the buffer.
template <Expr Y, Expr B, Expr V> constexpr auto renewed(Y, B, V) { return Renewed<Y, B, V>{}; }

/// What a formula with several results returns.
template <Expr... E> constexpr auto outputs(E...) { return Outputs<E...>{}; }

/// Number of elements of an expression's value.
template <Expr X> constexpr std::size_t size_of(X) { return ShapeOf<X>::size; }
/// Extent of one axis; negative axes count from the back.
template <int axis, Expr X> constexpr std::size_t extent_of(X) {
  constexpr int rank = static_cast<int>(ShapeOf<X>::rank);
  return ShapeOf<X>::dims[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
}

}  // namespace etch
