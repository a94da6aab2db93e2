// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "golden_driver.hpp"
#include "gradient_driver.hpp"

// The generated code of recurrent layers, which loop, against the golden numbers of PyTorch.

namespace layers {

/// What a trainer and a model run, for batches of one size.
struct GeneratedPass {
  std::size_t batch, workspace;  ///< workspace: floats
  Backpropagate backpropagate, evaluate;
  Inference inference;
};

struct RecurrentCase {
  std::string name;
  std::vector<etch::PlacedParameter> parameters;
  std::size_t parameter_floats;
  std::vector<GeneratedPass> passes;
};

template <class Net, std::size_t batch> GeneratedPass generated_pass() {
  using Run = target::Backpropagation<Net, Dot, batch>;
  const auto evaluate = [](const float* parameters, const float* x, const float* target,
                           const float* weight, const float*, float*, float* memory) noexcept {
    return Run::evaluate(parameters, x, target, weight, memory);
  };
  return {batch, Run::workspace, &Run::run, evaluate, inference<Net, batch>()};
}

/// Layers on samples of shape S, for these sizes of batches, which divide golden_batch.
template <class S, std::size_t... batch, class... Layers>
RecurrentCase recurrent_case(const std::string& name, etch::Sequential<Layers...>) {
  using Net = detail::NetworkOn<S, Layers...>;
  const auto& table = etch::parameter_table<Net>;
  return {name,
          {table.begin(), table.end()},
          etch::parameter_floats_of<Net>,
          {generated_pass<Net, batch>()...}};
}

/// Compares results, losses and the gradients of all parameters with some cases of a family, all
/// memory that is written being full of NaN.
void check_recurrent(const std::string& family, const std::vector<RecurrentCase>& cases);

}  // namespace layers
