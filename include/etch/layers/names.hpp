// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/layers/sequential.hpp"

// Layers with names that reach across a network.

namespace etch {

/// Passes x on, and makes it an output of the network under this name (see `output` in
/// network/network.hpp): for losses on features, or to look inside. As a layer, Conv2d<8, 3>{} |
/// tap<"edges">, and in formulas, tap<"edges">(x).
template <FixedString name> struct Tap {
  template <Expr X> static constexpr auto formula(X) { return Tapped<name, X>{}; }
  template <Expr X> constexpr auto operator()(X x) const { return formula(x); }
};
template <FixedString name> inline constexpr Tap<name> tap{};

/// A layer whose parameters are called `name`, wherever it stands: all layers under that name have
/// the same weights (siamese networks, tied embeddings). They are found as "name.weight".
template <FixedString name, class L> struct Share {
  template <class... S> static constexpr auto fits() {
    if constexpr (sizeof...(S) == 1) return (layer_fits<L, S>(), ...);
    else return layer_fits<L, Shapes<S...>>();
  }
  template <Expr... X> static constexpr auto formula(X...) { return Shared<name, L, X...>{}; }
};
template <FixedString name, Layer L> constexpr auto share(L) { return Share<name, L>{}; }

}  // namespace etch
