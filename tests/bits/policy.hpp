// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>

#include "bits.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/model.hpp"

// A policy for control: the same on a microcontroller, in a browser and on a server.

using Policy = etch::Network<etch::Input<16>, etch::Linear<64>, etch::Tanh, etch::Linear<64>,
                             etch::Tanh, etch::Linear<4>>;

inline constexpr std::size_t policy_samples = 8;
using PolicyInputs = std::array<std::array<float, 16>, policy_samples>;
using PolicyOutputs = std::array<float, 4 * policy_samples>;

/// Constants of the program: a microcontroller reads them from flash.
inline constexpr etch::Parameters<Policy> policy_weights = [] {
  etch::Parameters<Policy> parameters;
  etch::initialize(parameters, 3);
  return parameters;
}();

inline constexpr PolicyInputs policy_inputs = [] {
  PolicyInputs x{};
  for (std::size_t i = 0; i < policy_samples; ++i) fill(x[i], 10 + i);
  return x;
}();

/// One sample a call, as a control loop has them.
inline PolicyOutputs run_policy(etch::Workspace<Policy>& workspace) noexcept {
  PolicyOutputs y{};
  for (std::size_t i = 0; i < policy_samples; ++i) {
    etch::infer<Policy, 1>(policy_weights, workspace, policy_inputs[i],
                           std::span<float, 4>(y.data() + 4 * i, 4));
  }
  return y;
}
