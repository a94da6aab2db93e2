// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "golden_driver.hpp"

using namespace etch;
using layers::golden_case;
using layers::golden_formula_case;

namespace {

struct Cross {
  template <Expr A, Expr B> static constexpr auto formula(A a, B b) {
    return outputs(b * a, tanh(a));
  }
};

/// A condition that every layer sees.
struct Scaled {
  template <Expr X, Expr C> static constexpr auto formula(X x, C c) {
    constexpr std::size_t n = size_of(X{});
    return x * tanh(call<"scale", Linear<n>>(c)) + call<"shift", Linear<n>>(c);
  }
};

struct Squares {
  template <Expr X> static constexpr auto formula(X x) { return tap<"squares">(x * x); }
};

}  // namespace

TEST_CASE("networks of several values, and with names across them, are those of PyTorch") {
  using Leg = Share<"leg", Linear<3>>;
  using Two = Shapes<Shape<4>, Shape<4>>;
  using Pair = Shapes<Shape<5>, Shape<2, 4>>;
  using Decoder = OnAll<TransformerDecoderLayer<2, 6, Dropout<0.0>>>;
  layers::check_golden(
      "several",
      {
          golden_case<Two, Parallel<Leg, Leg>, Join<0>, Tanh, Linear<1>>("siamese"),
          golden_case<Shape<4>, Share<"leg", Linear<4>>, Tanh, Share<"leg", Linear<4>>>(
              "shared_in_a_row"),
          golden_case<Pair, Parallel<Linear<3>, Linear<3>>, Cross, Parallel<Flatten, Linear<2>>>(
              "two_inputs_two_outputs"),
          golden_case<Shape<7>, Split<0, 3, 4>, OnFirst<Linear<4>>, Add, Linear<2>>(
              "split_on_first_add"),
          golden_case<Shapes<Shape<4>, Shape<3>>, OnAll<Scaled>, OnAll<Scaled>, TakeFirst>(
              "on_all"),
          golden_case<Shape<4>, Residual<Linear<4>, Tap<"inside">, Tanh>, Squares, Linear<2>>(
              "taps"),
          golden_formula_case<Shapes<Shape<3, 4>, Shape<2, 4>>, Decoder, Decoder, TakeFirst>(
              "decoders"),
      });
}
