// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <limits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/affine.hpp"
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

/// x[i] along the first axis.
template <std::size_t i, Expr X> constexpr auto entry(X x) {
  using S = ShapeFrom<reduced_dims(ShapeOf<X>::dims, 1)>;
  if constexpr (extent_of<0>(X{}) == 1) return reshape<S>(x);
  else return reshape<S>(slice<0, i, i + 1>(x));
}

/// softmax(q k^T / sqrt(D)) v;  q: [H, T, D], k, v: [H, S, D] -> [H, T, D].
template <bool causal, Expr Q, Expr K, Expr V> constexpr auto attend(Q q, K k, V v) {
  constexpr std::size_t t = extent_of<1>(Q{}), s = extent_of<1>(K{});
  constexpr double scale = 1 / square_root(static_cast<double>(extent_of<2>(Q{})));
  const auto scores = matmul(q * constant<scale>, transpose(k));
  if constexpr (causal) {
    // Column 0 is open to every row, so no row of the softmax is empty.
    const auto open = reshape<Shape<t, 1>>(iota<t>) >= iota<s>;
    constexpr auto closed = constant<-std::numeric_limits<double>::infinity()>;
    return matmul(softmax(where(open, scores, closed)), v);
  } else {
    return matmul(softmax(scores), v);
  }
}

}  // namespace detail

/// Each position gathers values from all others, weighted by softmax(q k^T / sqrt(D)), in `heads`
/// heads of width D = E / heads (Vaswani et al. 2017), as torch.nn.MultiheadAttention.
/// Self-attention of x [T, E], or formula(x, m): x asks and the memory m [S, E] answers; -> [T, E].
/// in_proj_weight: [3 E, E] (q, k, v), in_proj_bias: [3 E], out_proj.weight: [E, E],
/// out_proj.bias: [E]. Options: Bias<false>, Causal<>, InFeatures<E>. There is no dropout.
template <std::size_t heads, class... Options> struct MultiheadAttention {
  template <class S> static constexpr auto fits() {
    constexpr auto known =
        Known<option::Bias, option::Causal, option::InFeatures>::template check<Options...>();
    if constexpr (!known.ok) {
      return known;
    } else if constexpr (heads == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else if constexpr (S::rank != 2) {
      return Misfit<AnyShapeOfRank<2>, S>{};
    } else if constexpr (S::dims[1] % heads != 0) {
      return Misfit<LastAxisDivisibleBy<heads>, S>{};
    } else {
      constexpr std::size_t wanted = option_or<option::InFeatures, S::dims[1], Options...>();
      return Verdict<S::dims[1] == wanted, Shape<S::dims[0], wanted>, S>{};
    }
  }

  template <class S, class M> static constexpr auto fits() {
    constexpr auto alone = fits<S>();
    if constexpr (!alone.ok) {
      return alone;
    } else if constexpr (M::rank != 2) {
      return Misfit<AnyShapeOfRank<2>, M>{};
    } else {
      return Verdict<M::dims[1] == S::dims[1], Shape<M::dims[0], S::dims[1]>, M>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    const auto qkv = detail::heads_in_front<3, heads>(project<0, 3>(x));
    return join(detail::attend<causal>(detail::entry<0>(qkv), detail::entry<1>(qkv),
                                       detail::entry<2>(qkv)));
  }

  template <Expr X, Expr M> static constexpr auto formula(X x, M m) {
    const auto q = detail::heads_in_front<1, heads>(project<0, 1>(x));
    const auto kv = detail::heads_in_front<2, heads>(project<1, 3>(m));
    return join(detail::attend<causal>(detail::entry<0>(q), detail::entry<0>(kv),
                                       detail::entry<1>(kv)));
  }

 private:
  static constexpr bool causal = option_or<option::Causal, false, Options...>();

  /// x W^T + b with parts `first` to `last` - 1 of the three projections.
  template <std::size_t first, std::size_t last, Expr X> static constexpr auto project(X x) {
    constexpr std::size_t e = extent_of<1>(X{});
    constexpr auto w = parameter<"in_proj_weight", Shape<3 * e, e>, XavierUniform>;
    constexpr auto b = parameter<"in_proj_bias", Shape<3 * e>, Zeros>;
    return detail::plus_bias<Options...>(
        detail::linear_map(parts<first * e, last * e>(w), x), parts<first * e, last * e>(b));
  }

  /// Rows `first` to `last` - 1; all of them without a copy.
  template <std::size_t first, std::size_t last, Expr W> static constexpr auto parts(W w) {
    if constexpr (last - first == extent_of<0>(W{})) return w;
    else return slice<0, first, last>(w);
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
