// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <etch/etch.hpp>

#include <cstddef>

// The WaveNet of guitar amplifier models (Wright et al. 2020), as in Neural Amp Modeler's standard
// size: two arrays of ten dilated convolutions.

namespace bench {

/// z = tanh(conv(x) + c's part): x + 1x1 z goes on, z is added to what the head will hear. c: the
/// input of the network.
template <std::size_t channels, std::size_t dilation> struct WaveNetLayer {
  template <etch::Expr X, etch::Expr S, etch::Expr C>
  static constexpr auto formula(X x, S skip, C c) {
    using Heard = etch::Conv1d<channels, 3, etch::Dilation<dilation>, etch::Causal<>>;
    using Mixed = etch::Conv1d<channels, 1, etch::Bias<false>>;
    const auto z = tanh(etch::call<"conv", Heard>(x) + etch::call<"input_mixin", Mixed>(c));
    return etch::outputs(x + etch::call<"1x1", etch::Conv1d<channels, 1>>(z), skip + z, c);
  }
};

/// Layers with these dilations; the sum of their z goes to the head.
template <std::size_t channels, std::size_t head, bool bias, std::size_t... dilations>
struct WaveNetArray {
  template <etch::Expr X, etch::Expr S, etch::Expr C>
  static constexpr auto formula(X x, S skip, C c) {
    using Layers = etch::Sequential<WaveNetLayer<channels, dilations>...>;
    const auto widened = etch::call<"rechannel", etch::Conv1d<channels, 1, etch::Bias<false>>>(x);
    const auto [y, sum, same] = etch::call<"layers", Layers>(widened, skip, c);
    using Head = etch::Conv1d<head, 1, etch::Bias<bias>>;
    return etch::outputs(y, etch::call<"head_rechannel", Head>(sum), c);
  }
};

struct WaveNetLayers {
  template <std::size_t channels, std::size_t head, bool bias>
  using Array = WaveNetArray<channels, head, bias, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512>;

  template <etch::Expr X> static constexpr auto formula(X x) {
    constexpr auto none =
        broadcast_to<etch::Shape<16, etch::extent_of<1>(X{})>>(etch::constant<0.0>);
    const auto [y, skip, c] = etch::call<"0", Array<16, 8, false>>(x, none, x);
    const auto [last, head, same] = etch::call<"1", Array<8, 1, true>>(y, skip, c);
    return head * etch::constant<0.02>;
  }
};

/// An output depends on the last 4093 samples.
using WaveNet = etch::Network<etch::Input<1, 4096>, WaveNetLayers>;

}  // namespace bench
