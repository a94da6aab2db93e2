// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/attention.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/options.hpp"

namespace etch {

namespace detail {

/// What both transformer layers are made of.
template <std::size_t heads, std::size_t feedforward, class... Options> struct Transformer {
  static constexpr bool norm_first = option_or<option::NormFirst, false, Options...>();
  static constexpr double epsilon = option_or<option::Epsilon, 1e-5, Options...>();
  static constexpr bool causal = option_or<option::Causal, false, Options...>();

  using SelfAttention = MultiheadAttention<heads, Causal<causal>>;
  using Norm = LayerNorm<void, Epsilon<epsilon>>;
  using Between = decltype(option_or<option::Activation, ReLU{}, Options...>());

  template <class... S> static constexpr auto fits() {
    constexpr auto known = Known<option::NormFirst, option::Activation, option::Epsilon,
                                 option::Causal>::template check<Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (feedforward == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else return MultiheadAttention<heads>::template fits<S...>();
  }

  /// x + f(x), normalised in front of f or behind the sum.
  template <FixedString norm, Expr X, class F> static constexpr auto branch(X x, F f) {
    if constexpr (norm_first) return x + f(call<norm, Norm>(x));
    else return call<norm, Norm>(x + f(x));
  }

  template <FixedString norm, Expr X> static constexpr auto look_at_itself(X x) {
    return branch<norm>(x, [](auto z) { return call<"self_attn", SelfAttention>(z); });
  }

  template <FixedString norm, Expr X> static constexpr auto feed_forward(X x) {
    constexpr std::size_t e = extent_of<1>(X{});
    return branch<norm>(x, [](auto z) {
      const auto hidden = call<"linear1", Linear<feedforward>>(z);
      return call<"linear2", Linear<e>>(call<"activation", Between>(hidden));
    });
  }
};

}  // namespace detail

/// Self-attention, then two linear maps with an activation between them, for each position of
/// x [T, E]; both with residual and LayerNorm (Vaswani et al. 2017), as
/// torch.nn.TransformerEncoderLayer. Parameters: self_attn.*, linear1.*, linear2.*, norm1.*,
/// norm2.*. Options: NormFirst<>, Activation<GELU> (default ReLU), Epsilon<1e-5> of the norms,
/// Causal<>, which PyTorch leaves to src_mask. There is no dropout.
template <std::size_t heads, std::size_t feedforward = 2048, class... Options>
struct TransformerEncoderLayer {
  using Parts = detail::Transformer<heads, feedforward, Options...>;

  template <class S> static constexpr auto fits() { return Parts::template fits<S>(); }

  template <Expr X> static constexpr auto formula(X x) {
    return Parts::template feed_forward<"norm2">(Parts::template look_at_itself<"norm1">(x));
  }
};

/// The same with attention to a memory [S, E] in the middle: formula(x, memory), as
/// torch.nn.TransformerDecoderLayer. A network has one input; this layer is for formulas:
/// call<"decoder", TransformerDecoderLayer<4>>(x, memory). Parameters: self_attn.*,
/// multihead_attn.*, linear1.*, linear2.*, norm1.*, norm2.*, norm3.*. Options as above; Causal<>
/// is of the self-attention (PyTorch: tgt_mask).
template <std::size_t heads, std::size_t feedforward = 2048, class... Options>
struct TransformerDecoderLayer {
  using Parts = detail::Transformer<heads, feedforward, Options...>;

  template <class S> static constexpr auto fits() { return Misfit<TwoInputs, S>{}; }
  template <class S, class M> static constexpr auto fits() { return Parts::template fits<S, M>(); }

  template <Expr X, Expr M> static constexpr auto formula(X x, M memory) {
    const auto y = Parts::template look_at_itself<"norm1">(x);
    const auto z = Parts::template branch<"norm2">(y, [memory](auto v) {
      return call<"multihead_attn", MultiheadAttention<heads>>(v, memory);
    });
    return Parts::template feed_forward<"norm3">(z);
  }
};

}  // namespace etch
