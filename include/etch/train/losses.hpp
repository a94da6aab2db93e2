// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "etch/expr/functions.hpp"

// Losses are formulas too: of one prediction and its target, a scalar. The mean over the batch is
// the trainer's business, as PyTorch's reduction="mean".
//
// A loss has `Target<S>`, the shape of a target for predictions of shape S, `fits<S>()`, and, where
// that makes sense, `correct(prediction, target)`: how right one sample is, from 0 to 1.

namespace etch {

/// -log softmax(x)[t]: x [n] are logits, t the index of the right class, as torch CrossEntropyLoss.
struct CrossEntropy {
  static constexpr bool classifies = true;  ///< targets are class indices

  template <class S> using Target = Shape<>;
  template <class S> static constexpr auto fits() {
    return Verdict<(S::rank == 1), AnyShapeOfRank<1>, S>{};
  }

  template <Expr X, Expr T> static constexpr auto formula(X x, T t) {
    return -sum(log_softmax(x) * one_hot<ShapeOf<X>::size>(t));
  }

  static double correct(std::span<const float> x, std::span<const float> t) {
    const auto best = std::ranges::max_element(x) - x.begin();
    return best == static_cast<std::ptrdiff_t>(t[0]) ? 1 : 0;
  }
};

/// Mean of (x - t)^2 over the elements, as torch MSELoss.
struct MSE {
  static constexpr bool classifies = false;

  template <class S> using Target = S;

  template <Expr X, Expr T> static constexpr auto formula(X x, T t) {
    const auto difference = x - t;
    return mean(difference * difference);
  }
};

/// Mean of -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), t in [0, 1], as torch
/// BCEWithLogitsLoss; written so that no logarithm meets a zero.
struct BCEWithLogits {
  static constexpr bool classifies = false;

  template <class S> using Target = S;

  template <Expr X, Expr T> static constexpr auto formula(X x, T t) {
    const auto minus_abs = where(x > constant<0.0>, -x, x);  // slope 1 at 0, where relu has none
    return mean(relu(x) - x * t + log1p(exp(minus_abs)));
  }

  static double correct(std::span<const float> x, std::span<const float> t) {
    std::size_t right = 0;
    for (std::size_t i = 0; i < x.size(); ++i) right += (x[i] > 0) == (t[i] > 0.5f) ? 1u : 0u;
    return static_cast<double>(right) / static_cast<double>(x.size());
  }
};

}  // namespace etch
