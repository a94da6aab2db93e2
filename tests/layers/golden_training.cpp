// SPDX-License-Identifier: BSL-1.0
#include <array>

#include "catch.hpp"
#include "etch/network/update.hpp"
#include "etch/train/losses.hpp"
#include "etch/train/optimizers.hpp"
#include "golden/golden.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_loss;

TEST_CASE("losses and their gradients are those of PyTorch") {
  layers::check_golden_losses(
      "losses",
      {
          golden_loss<CrossEntropy, Shape<5>>("cross_entropy"),
          golden_loss<CrossEntropy, Shape<5>>("cross_entropy_large"),
          golden_loss<CrossEntropy, Shape<5>, 1>("cross_entropy_batch1"),
          golden_loss<MSE, Shape<4>>("mse"),
          golden_loss<MSE, Shape<2, 3>>("mse_2x3"),
          golden_loss<BCEWithLogits, Shape<4>>("bce_with_logits"),
          golden_loss<BCEWithLogits, Shape<4>>("bce_with_logits_large"),
          golden_loss<BCEWithLogits, Shape<4>>("bce_with_logits_zero"),
          golden_loss<BCEWithLogits, Shape<4>>("bce_with_logits_soft"),
          golden_loss<CrossEntropy, Shape<5>, 3, Linear<6>, ReLU, Linear<4>>("mlp_cross_entropy"),
      });
}

namespace {

/// Steps 1 to 5 from p0, each with the gradient that the file has for it.
template <class Optimizer>
void check_optimizer(const std::string& name, const Optimizer& optimizer) {
  constexpr std::size_t n = 6;
  const golden::File file = golden::load("optimizers");
  const golden::Case& entry = file.at(name);
  const layers::Aligned parameters(layers::cast<float>(entry.tensor("p0").data));
  const layers::Aligned slots(std::vector<float>(n * Optimizer::slots, 0));
  for (std::uint64_t step = 1; step <= 5; ++step) {
    const std::string k = std::to_string(step);
    const layers::Aligned gradients(layers::cast<float>(entry.tensor("g" + k).data));
    etch::HWY_NAMESPACE::Update<Optimizer, n>::run(optimizer, step, parameters.data(),
                                                   gradients.data(), slots.data());
    INFO(entry.where << ": p" << k);
    CHECK(layers::difference(parameters.values(), entry.tensor("p" + k).data, {2e-6, 1e-6}) == "");
  }
}

}  // namespace

TEST_CASE("optimizers take the steps that PyTorch takes") {
  check_optimizer("sgd_lr0.1", SGD{.lr = 0.1f});
  check_optimizer("sgd_lr0.1_decay0.01", SGD{.lr = 0.1f, .weight_decay = 0.01f});
  check_optimizer("sgd_lr0.1_momentum0.9", SGD{.lr = 0.1f, .momentum = 0.9f});
  check_optimizer("sgd_lr0.1_momentum0.9_nesterov_decay0.01",
                  SGD{.lr = 0.1f, .momentum = 0.9f, .weight_decay = 0.01f, .nesterov = true});
  check_optimizer("adam", Adam{});
  check_optimizer("adam_lr0.01_betas0.8_0.95_decay0.01",
                  Adam{.lr = 0.01f, .betas = {0.8f, 0.95f}, .weight_decay = 0.01f});
  CHECK(golden::load("optimizers").cases.size() == 6);
}
