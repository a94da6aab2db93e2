// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <limits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/affine.hpp"
#include "etch/layers/dropout.hpp"
#include "etch/layers/options.hpp"

namespace etch {

namespace detail {

/// [T, parts E] -> [parts, heads, T, E / heads].
template <std::size_t parts, std::size_t heads, Expr X> constexpr auto heads_in_front(X x) {
  constexpr std::size_t t = extent_of<0>(X{}), width = extent_of<1>(X{}) / (parts * heads);
  if constexpr (parts * heads == 1) return reshape<Shape<1, 1, t, width>>(x);
  else return permute<1, 2, 0, 3>(reshape<Shape<t, parts, heads, width>>(x));
}

/// [heads, T, width] -> [T, heads width].
template <Expr X> constexpr auto heads_joined(X x) {
  constexpr std::size_t heads = extent_of<0>(X{}), t = extent_of<1>(X{});
  using Joined = Shape<t, heads * extent_of<2>(X{})>;
  if constexpr (heads == 1) return reshape<Joined>(x);
  else return reshape<Joined>(permute<1, 0, 2>(x));
}

/// What may stand behind a tensor: how many of its rows count.
template <class X>
concept Length = Expr<X> && ShapeOf<X>::rank == 0;
template <class X>
concept Memory = Expr<X> && ShapeOf<X>::rank != 0;

/// 1 where row t may look at column s: s <= t.
template <std::size_t t, std::size_t s> constexpr auto up_to_its_time() {
  return reshape<Shape<t, 1>>(iota<t>) >= iota<s>;
}

/// The softmax of each row of scores [H, T, S]: over all keys, or those up to its time.
template <bool causal, Expr X> constexpr auto attention_weights(X scores) {
  if constexpr (causal) {
    // Column 0 is open to every row, so no row of the softmax is empty.
    constexpr auto closed = constant<-std::numeric_limits<double>::infinity()>;
    const auto open = up_to_its_time<extent_of<1>(X{}), extent_of<2>(X{})>();
    return softmax(where(open, scores, closed));
  } else {
    return softmax(scores);
  }
}
/// The same over the first `length` keys; zero where that leaves none.
template <bool causal, Expr X, Length L> constexpr auto attention_weights(X scores, L length) {
  constexpr std::size_t t = extent_of<1>(X{}), s = extent_of<2>(X{});
  const auto valid = iota<s> < length;
  if constexpr (causal) return masked_softmax(scores, valid * up_to_its_time<t, s>());
  else return masked_softmax(scores, valid);
}

/// softmax(q k^T / sqrt(D)) v;  q: [H, T, D], k, v: [H, S, D] -> [H, T, D].
template <bool causal, class Drop, Expr Q, Expr K, Expr V, Length... L>
constexpr auto attend(Q q, K k, V v, L... length) {
  constexpr double scale = 1 / square_root(static_cast<double>(extent_of<2>(Q{})));
  const auto scores = matmul(q * constant<scale>, transpose(k));
  return matmul(call<"dropout", Drop>(attention_weights<causal>(scores, length...)), v);
}

}  // namespace detail

/// Each position gathers values from all others, weighted by softmax(q k^T / sqrt(D)), in `heads`
/// heads of width D = E / heads (Vaswani et al. 2017), as torch.nn.MultiheadAttention.
/// Self-attention of x [T, E], or formula(x, m): x asks and the memory m [S, E] answers; -> [T, E].
/// A further scalar, formula(x, n) or formula(x, m, n), says that only the first n positions answer
/// (PyTorch: key_padding_mask); where n is 0, nothing is gathered.
/// in_proj_weight: [3 E, E] (q, k, v), in_proj_bias: [3 E], out_proj.weight: [E, E],
/// out_proj.bias: [E]. Options: Bias<false>, Causal<>, InFeatures<E>, Dropout<0.0> of the weights.
template <std::size_t heads, class... Options> struct MultiheadAttention {
  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Bias, option::Causal, option::InFeatures,
                                 option::Dropout>::template check<Options...>();
    constexpr auto dropout = Drop::template fits<S>();
    if constexpr (!known.ok) {
      return known;
    } else if constexpr (heads == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else if constexpr (!dropout.ok) {
      return dropout;
    } else if constexpr (S::rank != 2) {
      return Misfit<AnyShapeOfRank<2>, S>{};
    } else if constexpr (S::dims[1] % heads != 0) {
      return Misfit<LastAxisDivisibleBy<heads>, S>{};
    } else {
      constexpr std::size_t wanted = option_or<option::InFeatures, S::dims[1], Options...>();
      return Verdict<S::dims[1] == wanted, Shape<S::dims[0], wanted>, S>{};
    }
  }

  /// M: the shape of a memory or of a length.
  template <class S, class M> static constexpr auto fits() {
    constexpr auto alone = fits<S>();
    if constexpr (!alone.ok) {
      return alone;
    } else if constexpr (M::rank == 0) {
      return Fits{};
    } else if constexpr (M::rank != 2) {
      return Misfit<OneOf<AnyShapeOfRank<2>, Shape<>>, M>{};
    } else {
      return Verdict<M::dims[1] == S::dims[1], Shape<M::dims[0], S::dims[1]>, M>{};
    }
  }

  template <class S, class M, class L> static constexpr auto fits() {
    constexpr auto both = fits<S, M>();
    if constexpr (!both.ok) return both;
    else if constexpr (M::rank == 0) return Misfit<AnyShapeOfRank<2>, M>{};
    else return Verdict<L::rank == 0, Shape<>, L>{};
  }

  template <Expr X, detail::Length... L> static constexpr auto formula(X x, L... length) {
    const auto qkv = detail::heads_in_front<3, heads>(project<0, 3>(x));
    return join(detail::attend<causal, Drop>(select<0, 0>(qkv), select<0, 1>(qkv),
                                             select<0, 2>(qkv), length...));
  }

  template <Expr X, detail::Memory M, detail::Length... L>
  static constexpr auto formula(X x, M m, L... length) {
    const auto q = detail::heads_in_front<1, heads>(project<0, 1>(x));
    const auto kv = detail::heads_in_front<2, heads>(project<1, 3>(m));
    return join(detail::attend<causal, Drop>(select<0, 0>(q), select<0, 0>(kv), select<0, 1>(kv),
                                             length...));
  }

 private:
  static constexpr bool causal = option_or<option::Causal, false, Options...>();
  using Drop = Dropout<option_or<option::Dropout, 0.0, Options...>()>;

  /// x W^T + b with parts `first` to `last` - 1 of the three projections.
  template <std::size_t first, std::size_t last, Expr X> static constexpr auto project(X x) {
    constexpr std::size_t e = extent_of<1>(X{});
    constexpr auto w = parameter<"in_proj_weight", Shape<3 * e, e>, XavierUniform>;
    constexpr auto b = parameter<"in_proj_bias", Shape<3 * e>, Zeros>;
    return detail::plus_bias<Options...>(
        detail::linear_map(slice<0, first * e, last * e>(w), x), slice<0, first * e, last * e>(b));
  }

  template <Expr X> static constexpr auto join(X x) {
    const auto y = detail::heads_joined(x);
    constexpr std::size_t e = extent_of<1>(decltype(y){});
    constexpr auto w = parameter<"out_proj.weight", Shape<e, e>, KaimingUniform>;
    constexpr auto b = parameter<"out_proj.bias", Shape<e>, Zeros>;
    return detail::plus_bias<Options...>(detail::linear_map(w, y), b);
  }
};

}  // namespace etch
