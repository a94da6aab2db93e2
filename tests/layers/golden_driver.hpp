// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "etch/train/losses.hpp"
#include "program.hpp"

// Layers and losses against the golden numbers of tests/golden, which PyTorch computed.

namespace layers {

inline constexpr std::size_t golden_batch = 3;

/// A golden case, and the generated code that has to reproduce it.
struct GoldenCase {
  std::string name;
  Trainable training;
  Inference whole, single;  ///< the batch at once, and sample by sample
};

/// Layers one after the other on samples of shape S.
template <class S, class... Layers> GoldenCase golden_case(const std::string& name) {
  return []<std::size_t... extents>(const std::string& n, etch::Shape<extents...>) {
    using Net = etch::Network<etch::Input<extents...>, Layers...>;
    return GoldenCase{n, trainable<Net, golden_batch>(), inference<Net, golden_batch>(),
                      inference<Net, 1>()};
  }(name, S{});
}

/// A case of a loss: the mean over the batch, and its gradient through the network, if there is one.
struct GoldenLoss {
  std::string name;
  Trainable training;
  Program loss;
};

template <class Loss, class S, std::size_t batch = golden_batch, class... Layers>
GoldenLoss golden_loss(const std::string& name) {
  return []<std::size_t... extents>(const std::string& n, etch::Shape<extents...>) {
    if constexpr (sizeof...(Layers) == 0) {
      return GoldenLoss{n, {batch, {}, 0, {}, {}}, program_of<etch::LossTape<Loss, S, batch>>()};
    } else {
      using Net = etch::Network<etch::Input<extents...>, Layers...>;
      using Out = etch::OutputShape<Net>;
      return GoldenLoss{n, trainable<Net, batch>(), program_of<etch::LossTape<Loss, Out, batch>>()};
    }
  }(name, S{});
}

/// Compares values and all gradients: generated code as float, the interpreter on the same tapes as
/// double. Fails as well if the file of the family has a case that is not in the list.
void check_golden(const std::string& family, const std::vector<GoldenCase>& cases);
void check_golden_losses(const std::string& family, const std::vector<GoldenLoss>& cases);

}  // namespace layers
