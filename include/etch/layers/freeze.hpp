// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/layers/sequential.hpp"

namespace etch {

/// `L` with parameters that training leaves alone: for transfer learning, and for the half of a GAN
/// whose turn it is not. The gradient for its input still flows; those for its parameters are not
/// computed. Names stay those of `L`. Buffers (running statistics) are renewed as ever, as they are
/// with PyTorch's requires_grad = False. What is trained lies first in memory: `Parameters` of a
/// network and of the same with frozen layers have the same tensors in other places.
template <class L> struct Freeze {
  template <class S> static constexpr auto fits() { return layer_fits<L, S>(); }
  template <Expr X> static constexpr auto formula(X x) { return Frozen<decltype(L::formula(x))>{}; }
};

/// The same for each layer of a pipeline: freeze(Linear<8>{} | ReLU{}) | Linear<3>{}.
template <class... Layers> constexpr auto freeze(Sequential<Layers...>) {
  return Sequential<Freeze<Layers>...>{};
}
template <Layer L> constexpr auto freeze(L) { return Freeze<L>{}; }

}  // namespace etch
