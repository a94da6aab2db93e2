// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/affine.hpp"
#include "etch/layers/attention.hpp"
#include "etch/layers/options.hpp"
#include "etch/layers/sequential.hpp"

// Layers on graphs of N nodes: formula(x, a) with the features x [N, In] of the nodes and the
// adjacency a [N, N], a[i, j] being the weight of the edge from node j to node i, or 0. In a
// network with two inputs, OnAll<GraphConv<16>>; in formulas, call<"conv1", GraphConv<16>>(x, a);
// on a graph that never changes, OnGraph<adjacency, GraphConv<16>>.

namespace etch {

/// What OnGraph expects: a sample with as many nodes as an adjacency of `size` numbers has.
template <std::size_t size> struct NodesOf {};

namespace detail {
template <class S, class A, class... Options, class... Keys>
constexpr auto graph_fits(Known<Keys...>) {
  constexpr auto known = Known<Keys...>::template check<Options...>();
  if constexpr (!known.ok) return known;
  else if constexpr (S::rank != 2) return Misfit<AnyShapeOfRank<2>, S>{};
  else return Verdict<A::dims == Shape<S::dims[0], S::dims[0]>::dims,
                      Shape<S::dims[0], S::dims[0]>, A>{};
}
}  // namespace detail

/// D^-1/2 (A + I) D^-1/2 x W^T + b with D the row sums of A + I (Kipf and Welling 2017);
/// [N, In] -> [N, Out], edges with weights >= 0. weight: [Out, In], bias: [Out].
/// Options: Bias<false>.
template <std::size_t out, class... Options> struct GraphConv {
  template <class S> static constexpr auto fits() { return Misfit<TwoInputs, S>{}; }
  template <class S, class A> static constexpr auto fits() {
    if constexpr (out == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else return detail::graph_fits<S, A, Options...>(Known<option::Bias>{});
  }

  template <Expr X, Expr A> static constexpr auto formula(X x, A a) {
    constexpr std::size_t in = extent_of<1>(X{});
    const auto w = transpose(parameter<"weight", Shape<out, in>, XavierUniform>);
    const auto d = rsqrt(sum<-1>(a, keepdim) + constant<1.0>);
    if constexpr (out <= in) return with_bias(spread(matmul(x, w), a, d));  // narrow nodes first
    else return with_bias(matmul(spread(x, a, d), w));
  }

 private:
  /// D^-1/2 (A + I) D^-1/2 z, without writing that matrix down.
  template <Expr Z, Expr A, Expr D> static constexpr auto spread(Z z, A a, D d) {
    const auto u = d * z;
    return d * (matmul(a, u) + u);
  }

  template <Expr Y> static constexpr auto with_bias(Y y) {
    return detail::plus_bias<Options...>(y, parameter<"bias", Shape<out>, Zeros>);
  }
};

/// h = x W^T; y_i = sum over j of s_ij h_j + b, where s_i is the softmax of
/// LeakyReLU(att_dst . h_i + att_src . h_j) over the neighbours j of i (Velickovic et al. 2018),
/// for each of `heads` heads of width `out`, one behind the other: [N, In] -> [N, heads Out]. Of an
/// edge only counts whether its weight is 0; each node is a neighbour of itself.
/// weight: [heads Out, In], att_src, att_dst: [heads, Out], bias: [heads Out].
/// Options: Bias<false>, SelfLoops<false> (a node without any neighbour gathers 0),
/// NegativeSlope<0.2>.
template <std::size_t out, std::size_t heads = 1, class... Options> struct GraphAttention {
  template <class S> static constexpr auto fits() { return Misfit<TwoInputs, S>{}; }
  template <class S, class A> static constexpr auto fits() {
    using Mine = Known<option::Bias, option::SelfLoops, option::NegativeSlope>;
    if constexpr (out * heads == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else return detail::graph_fits<S, A, Options...>(Mine{});
  }

  template <Expr X, Expr A> static constexpr auto formula(X x, A a) {
    constexpr std::size_t n = extent_of<0>(X{}), in = extent_of<1>(X{});
    constexpr auto w = parameter<"weight", Shape<heads * out, in>, XavierUniform>;
    constexpr auto att_src = parameter<"att_src", Shape<heads, out>, XavierUniform>;
    constexpr auto att_dst = parameter<"att_dst", Shape<heads, out>, XavierUniform>;
    const auto h = detail::linear_map(w, x);
    const auto of_heads = reshape<Shape<n, heads, out>>(h);
    const auto from = permute<1, 0>(sum<-1>(of_heads * att_src));  // [heads, N]
    const auto to = permute<1, 0>(sum<-1>(of_heads * att_dst));
    const auto e = reshape<Shape<heads, n, 1>>(to) + reshape<Shape<heads, 1, n>>(from);
    constexpr auto slope = constant<option_or<option::NegativeSlope, 0.2, Options...>()>;
    const auto s = masked_softmax(where(e > constant<0.0>, e, slope * e), neighbours(a));
    const auto values = select<0, 0>(detail::heads_in_front<1, heads>(h));
    const auto y = matmul(s, values);
    constexpr auto b = parameter<"bias", Shape<heads * out>, Zeros>;
    return detail::heads_joined(
        detail::plus_bias<Options...>(y, reshape<Shape<heads, 1, out>>(b)));
  }

 private:
  template <Expr A> static constexpr auto neighbours(A a) {
    constexpr std::size_t n = extent_of<0>(A{});
    if constexpr (option_or<option::SelfLoops, true, Options...>()) {
      return where(equal(reshape<Shape<n, 1>>(iota<n>), iota<n>), constant<1.0>, a);
    } else {
      return a;
    }
  }
};

/// A graph layer on one graph that is known when the network is compiled: `adjacency` is a
/// constexpr array of N x N numbers with a name of its own. x: [N, In]; parameters are named as the
/// layer's own.
///
///     constexpr std::array<float, 9> line = {0, 1, 0, 1, 0, 1, 0, 1, 0};
///     Network<Input<3, 4>, OnGraph<line, GraphConv<8>>, ReLU, OnGraph<line, GraphConv<2>>>
template <const auto& adjacency, class L> struct OnGraph {
  template <class S> static constexpr auto fits() {
    if constexpr (S::rank != 2) return Misfit<AnyShapeOfRank<2>, S>{};
    else if constexpr (S::dims[0] * S::dims[0] != adjacency.size())
      return Misfit<NodesOf<adjacency.size()>, S>{};
    else return layer_fits<L, Shapes<S, Shape<S::dims[0], S::dims[0]>>>();
  }
  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t n = extent_of<0>(X{});
    return call<"", L>(x, constants<adjacency, Shape<n, n>>);
  }
};

}  // namespace etch
