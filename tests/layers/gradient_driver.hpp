// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "program.hpp"

// Layers in the middle of a network: gradients of the generated code against central differences.

namespace layers {

/// sum(x t): a loss whose gradient for the prediction is the target.
struct Dot {
  static constexpr bool classifies = false;

  template <class S> using Target = S;

  template <etch::Expr X, etch::Expr T> static constexpr auto formula(X x, T t) {
    return etch::sum(x * t);
  }
};

/// What stands around the layer under test. First has a heavy op, and Front too: so First is a
/// block of its own, the same in all networks, and compiled once.
template <class In, class First, class Front, class Back> struct Around {
  template <class... Layers> using network = etch::Network<In, First, Front, Layers..., Back>;
};

/// Backpropagation of the trainer, with the loss Dot.
using Backpropagate = float (*)(const float* parameters, const float* x, const float* target,
                                const float* weight, const float* keys, float* gradients,
                                float* memory) noexcept;

struct GradientCase {
  std::string name;
  Trainable training;
  std::size_t workspace;  ///< floats
  Backpropagate backpropagate;
};

/// The layers between Front and Back, for each batch size.
template <class Around, class... Layers> struct InTheMiddle {
  using Net = typename Around::template network<Layers...>;

  template <std::size_t... batch>
  static void add(std::vector<GradientCase>& cases, const std::string& name) {
    (cases.push_back({name, trainable<Net, batch>(),
                      target::Backpropagation<Net, Dot, batch>::workspace,
                      &target::Backpropagation<Net, Dot, batch>::run}),
     ...);
  }
};

/// Gradients of sum(y r) for data and parameters, all memory that is written being full of NaN.
void check_gradients(const std::vector<GradientCase>& cases);

}  // namespace layers
