// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/attention.hpp"
#include "etch/layers/dropout.hpp"
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

  using Drop = Dropout<option_or<option::Dropout, 0.1, Options...>()>;
  using SelfAttention = MultiheadAttention<heads, Causal<causal>, Drop>;
  using MemoryAttention = MultiheadAttention<heads, Drop>;
  using Norm = LayerNorm<void, Epsilon<epsilon>>;
  using Between = decltype(option_or<option::Activation, ReLU{}, Options...>());

  /// S: as MultiheadAttention takes them.
  template <class... S> static constexpr auto fits() {
    constexpr auto known = Known<option::NormFirst, option::Activation, option::Epsilon,
                                 option::Causal, option::Dropout>::template check<Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (feedforward == 0) return OptionMisfit<AtLeast<1>, Number<0>>{};
    else return MemoryAttention::template fits<S...>();
  }

  /// x + f(x), normalised in front of f or behind the sum.
  template <FixedString norm, Expr X, class F> static constexpr auto branch(X x, F f) {
    const auto dropped = [f](auto z) { return call<"dropout", Drop>(f(z)); };
    if constexpr (norm_first) return x + dropped(call<norm, Norm>(x));
    else return call<norm, Norm>(x + dropped(x));
  }

  template <FixedString norm, Expr X, Length... L>
  static constexpr auto look_at_itself(X x, L... length) {
    return branch<norm>(
        x, [length...](auto z) { return call<"self_attn", SelfAttention>(z, length...); });
  }

  template <FixedString norm, Expr X> static constexpr auto feed_forward(X x) {
    constexpr std::size_t e = extent_of<1>(X{});
    return branch<norm>(x, [](auto z) {
      const auto hidden = call<"activation", Between>(call<"linear1", Linear<feedforward>>(z));
      return call<"linear2", Linear<e>>(call<"dropout", Drop>(hidden));
    });
  }
};

}  // namespace detail

/// Self-attention, then two linear maps with an activation between them, for each position of
/// x [T, E]; both with residual and LayerNorm (Vaswani et al. 2017), as
/// torch.nn.TransformerEncoderLayer; formula(x, n) with a scalar n looks at the first n positions
/// only (PyTorch: src_key_padding_mask). Parameters: self_attn.*, linear1.*, linear2.*, norm1.*,
/// norm2.*. Options: NormFirst<>, Activation<GELU> (default ReLU), Epsilon<1e-5> of the norms,
/// Causal<>, which PyTorch leaves to src_mask, Dropout<0.1> of attention weights, of what stands
/// between the linear maps, and of both branches.
template <std::size_t heads, std::size_t feedforward = 2048, class... Options>
struct TransformerEncoderLayer {
  using Parts = detail::Transformer<heads, feedforward, Options...>;

  template <class S> static constexpr auto fits() { return Parts::template fits<S>(); }
  template <class S, class L> static constexpr auto fits() {
    constexpr auto alone = fits<S>();
    if constexpr (!alone.ok) return alone;
    else return Verdict<L::rank == 0, Shape<>, L>{};
  }

  template <Expr X, detail::Length... L> static constexpr auto formula(X x, L... length) {
    const auto y = Parts::template look_at_itself<"norm1">(x, length...);
    return Parts::template feed_forward<"norm2">(y);
  }
};

/// The same with attention to a memory [S, E] in the middle: formula(x, memory), as
/// torch.nn.TransformerDecoderLayer; formula(x, memory, n) with a scalar n looks at the first n
/// positions of the memory only (PyTorch: memory_key_padding_mask). A network has one input; this
/// layer is for formulas: call<"decoder", TransformerDecoderLayer<4>>(x, memory). Parameters:
/// self_attn.*, multihead_attn.*, linear1.*, linear2.*, norm1.*, norm2.*, norm3.*. Options as
/// above; Causal<> is of the self-attention (PyTorch: tgt_mask).
template <std::size_t heads, std::size_t feedforward = 2048, class... Options>
struct TransformerDecoderLayer {
  using Parts = detail::Transformer<heads, feedforward, Options...>;

  template <class S> static constexpr auto fits() { return Misfit<TwoInputs, S>{}; }
  template <class S, class M, class... L> static constexpr auto fits() {
    if constexpr (M::rank == 0) return Misfit<AnyShapeOfRank<2>, M>{};
    else return Parts::template fits<S, M, L...>();
  }

  template <Expr X, detail::Memory M, detail::Length... L>
  static constexpr auto formula(X x, M memory, L... length) {
    const auto y = Parts::template look_at_itself<"norm1">(x);
    const auto z = Parts::template branch<"norm2">(y, [memory, length...](auto v) {
      return call<"multihead_attn", typename Parts::MemoryAttention>(v, memory, length...);
    });
    return Parts::template feed_forward<"norm3">(z);
  }
};

}  // namespace etch
