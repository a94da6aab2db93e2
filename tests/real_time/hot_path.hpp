// SPDX-License-Identifier: BSL-1.0
// What a real-time thread runs, behind plain functions: of networks the tests know no more than
// what has to be made before such a thread begins, as that allocates.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/live_parameters.hpp"
#include "etch/network/network.hpp"

/// A model, a stream or a training; its memory is static.
struct HotPath {
  const char* name;
  std::span<float> parameters, x, target, y;  ///< target: of a training, else empty
  void (*run)() noexcept;                     ///< y from x; of a training one step, its loss to y
  std::size_t stack_bytes;                    ///< the budget
};

using Mlp = etch::Network<etch::Input<24>, etch::Linear<32>, etch::Tanh, etch::Linear<16>,
                          etch::GELU, etch::Linear<4>>;
using LiveMlp = etch::LiveParameters<Mlp, 1>;

using HotPaths = std::array<HotPath, 19>;
HotPaths hot_paths(LiveMlp::Reader& reader) noexcept;
