// SPDX-License-Identifier: BSL-1.0
// Cells of users' own in the middle of networks. The differences are those of the formula written
// out step by step, the gradients those of the loop.
#include "catch.hpp"
#include "gradient_driver.hpp"

using namespace etch;
using namespace etch::literals;

namespace {

/// h_t = a h_{t-1} + x_t: one state of the shape of x, whatever it is.
struct Decay {
  template <class S> using states = Shapes<S>;
  template <Expr X, Expr H> static constexpr auto formula(X x, H h) {
    const auto next = parameter<"a", ShapeOf<X>, Ones> * h + x;
    return outputs(next, next);
  }
};

/// What came in the step before: the result is a state as it was, the state is what comes in.
struct Late {
  template <class S> using states = Shapes<S>;
  template <Expr X, Expr H> static constexpr auto formula(X x, H h) { return outputs(h, x); }
};

/// Two states of different shapes, of which one is a matrix (fast weights, Schmidhuber 1992), and
/// a result that is none of them: W' = W / 2 + (v + x) x^T, y = W' x, v' = tanh(y) + b.
struct FastWeights {
  template <class S> using states = Shapes<Shape<S::size, S::size>, S>;
  template <Expr X, Expr W, Expr V> static constexpr auto formula(X x, W w, V v) {
    constexpr std::size_t n = size_of(X{});
    const auto column = reshape<Shape<n, 1>>(v + x);
    const auto next = 0.5_c * w + column * reshape<Shape<1, n>>(x);
    const auto y = matmul(next, x);
    return outputs(y, next, tanh(y) + parameter<"b", Shape<n>, Zeros>);
  }
};

/// h' = softmax(W) h + x: the softmax is the same for all samples and steps.
struct Mixed {
  template <class S> using states = Shapes<S>;
  template <Expr X, Expr H> static constexpr auto formula(X x, H h) {
    constexpr std::size_t n = size_of(X{});
    const auto next = matmul(softmax(parameter<"w", Shape<n, n>, Ones>), h) + x;
    return outputs(next, next);
  }
};

/// The states do not depend on those before: nothing flows back through time.
struct Fresh {
  template <class S> using states = Shapes<S, S>;
  template <Expr X, Expr A, Expr B> static constexpr auto formula(X x, A a, B b) {
    const auto w = parameter<"w", ShapeOf<X>, Ones>;
    return outputs(x * a + b, w, w * x);
  }
};

/// A reservoir that stays as it was drawn (Jaeger 2001), and a gain that is trained. Both lie in
/// memory of their own.
struct Reservoir {
  template <class S> using states = Shapes<Shape<5>>;
  template <Expr X, Expr H> static constexpr auto formula(X x, H h) {
    constexpr auto w_in = parameter<"w_in", Shape<5, size_of(X{})>, Ones>;
    constexpr auto w = parameter<"w", Shape<5, 5>, Ones>;
    const auto z = Frozen<decltype(matmul(w_in, x))>{} + Frozen<decltype(matmul(w, h))>{};
    const auto next = tanh(parameter<"gain", Shape<5>, Ones> * z);
    return outputs(next, next);
  }
};

/// Steps of whatever rank: what lies between are elementwise layers.
using Steps = layers::Around<Input<4, 3>, Linear<5>, Linear<6>, Linear<3>>;
template <class... Layers> using Middle = layers::InTheMiddle<Steps, Layers...>;

}  // namespace

TEST_CASE("gradients through cells of users' own are those of central differences") {
  std::vector<layers::GradientCase> cases;
  Middle<Recurrent<Decay>>::add<1, 3>(cases, "Decay");
  Middle<Reshape<4, 2, 3>, Recurrent<Decay>, Reshape<4, 6>>::add<3>(cases, "Decay of matrices");
  Middle<Reshape<24>, Recurrent<Decay>, Reshape<4, 6>>::add<3>(cases, "Decay of numbers");
  Middle<Recurrent<Late>>::add<1, 3>(cases, "Late");
  Middle<Recurrent<FastWeights>>::add<1, 3>(cases, "FastWeights");
  Middle<Recurrent<Mixed>>::add<1, 3>(cases, "Mixed");
  Middle<Recurrent<Fresh>>::add<3>(cases, "Fresh");
  Middle<Recurrent<Reservoir>>::add<1, 3>(cases, "Reservoir");
  layers::check_gradients(cases);
}
