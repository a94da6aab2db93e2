// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "gradient_driver.hpp"

using namespace etch;

namespace {

using Sequence = layers::Around<Input<4, 3>, Linear<5>, Linear<6>, Linear<3>>;
template <class... Layers> using Middle = layers::InTheMiddle<Sequence, Layers...>;

/// Self-attention that sees positions only through its queries and keys.
struct RotaryAttention {
  template <Expr X> static constexpr auto formula(X x) {
    const auto q = call<"", RotaryEncoding<>>(call<"q", Linear<6>>(x));
    const auto k = call<"", RotaryEncoding<>>(call<"k", Linear<6>>(x));
    return matmul(softmax(matmul(q, transpose(k))), x);
  }
};

}  // namespace

TEST_CASE("gradients through attention in the middle are those of central differences") {
  std::vector<layers::GradientCase> cases;
  Middle<PositionalEncoding, TransformerEncoderLayer<3, 8, Causal<>, Activation<GELU>>>::add<5>(
      cases, "learned positions and a causal encoder");
  Middle<RotaryAttention>::add<5>(cases, "attention with rotary positions");
  Middle<MixtureOfExperts<Linear<4>, Sequential<Linear<5>, Tanh, Linear<4>>>>::add<5>(
      cases, "experts for each position");
  layers::check_gradients(cases);
}
