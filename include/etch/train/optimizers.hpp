// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "etch/expr/functions.hpp"

// An optimizer is a formula as well: from a parameter p, its gradient g, what it remembers of each
// parameter (`slots` numbers, zero at first) and numbers that change from step to step, to the new
// p and the new memory. It runs over all parameters of a network in one pass.

namespace etch {

/// Gradient descent as torch.optim.SGD.
///   g' = g + weight_decay p;  v = momentum v + g'
///   p -= lr v, with Nesterov p -= lr (g' + momentum v)
struct SGD {
  float lr = 1e-3f;
  float momentum = 0;
  float weight_decay = 0;
  bool nesterov = false;

  static constexpr std::size_t slots = 1;

  /// What the formula is given in step t = 1, 2, ...
  std::array<float, 5> scalars(std::uint64_t) const {
    return {lr, momentum, weight_decay, nesterov ? 1.f : 0.f, nesterov ? momentum : 1.f};
  }

  template <Expr P, Expr G, Expr V, Expr Rate, Expr Momentum, Expr Decay, Expr OfG, Expr OfV>
  static constexpr auto formula(P p, G g, V v, Rate rate, Momentum mu, Decay decay, OfG of_g,
                                OfV of_v) {
    const auto slope = g + decay * p;
    const auto velocity = mu * v + slope;
    return outputs(p - rate * (of_g * slope + of_v * velocity), velocity);
  }
};

/// Kingma and Ba 2015, as torch.optim.Adam:
///   g' = g + weight_decay p;  m = b1 m + (1 - b1) g';  v = b2 v + (1 - b2) g'^2
///   p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
struct Adam {
  float lr = 1e-3f;
  std::array<float, 2> betas = {0.9f, 0.999f};
  float eps = 1e-8f;
  float weight_decay = 0;

  static constexpr std::size_t slots = 2;

  std::array<float, 8> scalars(std::uint64_t t) const {
    const double b1 = widened(betas[0]), b2 = widened(betas[1]), n = static_cast<double>(t);
    return {static_cast<float>(static_cast<double>(lr) / (1 - std::pow(b1, n))),
            static_cast<float>(1 / std::sqrt(1 - std::pow(b2, n))),
            static_cast<float>(b1), static_cast<float>(1 - b1),
            static_cast<float>(b2), static_cast<float>(1 - b2),
            eps, weight_decay};
  }

  template <Expr P, Expr G, Expr M, Expr V, Expr Rate, Expr Unbias, Expr B1, Expr C1, Expr B2,
            Expr C2, Expr Eps, Expr Decay>
  static constexpr auto formula(P p, G g, M m, V v, Rate rate, Unbias unbias, B1 b1, C1 c1, B2 b2,
                                C2 c2, Eps eps, Decay decay) {
    const auto slope = g + decay * p;
    const auto first = b1 * m + c1 * slope;
    const auto second = b2 * v + c2 * (slope * slope);
    return outputs(p - rate * first / (sqrt(second) * unbias + eps), first, second);
  }

 private:
  /// The decimal number that was meant: 0.9f as 0.9, for 1 - 0.999f is off in the fifth digit.
  static double widened(float beta) { return std::round(static_cast<double>(beta) * 1e7) / 1e7; }
};

}  // namespace etch
