// SPDX-License-Identifier: BSL-1.0
// "Does backprop give the same result with the bias folded into the weights as with it apart?"
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/sequential.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"
#include "gradient_check.hpp"

namespace {

using namespace etch;
using by_hand::Numbers;

constexpr std::size_t samples = 5, in = 3, hidden = 4, out = 2;

/// x with a 1 behind it.
struct WithOne {
  template <Expr X> static constexpr auto formula(X x) {
    return concat<0>(x, reshape<Shape<1>>(constant<1.0>));
  }
};

using Apart = Sequential<Linear<hidden>, Tanh, Linear<out>>;
using Folded = Sequential<WithOne, Linear<hidden, Bias<false>>, Tanh, WithOne,
                          Linear<out, Bias<false>>>;

template <class Net> struct SquaredError {
  template <Expr X, Expr T> static constexpr auto formula(X x, T target) {
    const auto error = call<"", Net>(x) - target;
    return mean(error * error);
  }
};

template <class Net> Tape slopes() {
  const Tape loss = lower<SquaredError<Net>, Shape<in>, Shape<out>>(samples);
  return without_dead_code(
      without_common_subexpressions(gradient(loss, leaves(loss, Op::parameter))));
}

/// [W | b], row by row.
Numbers folded(const Numbers& weight, const Numbers& bias) {
  Numbers result;
  const std::size_t columns = weight.size() / bias.size();
  for (std::size_t row = 0; row < bias.size(); ++row) {
    for (std::size_t i = 0; i < columns; ++i) result.push_back(weight[row * columns + i]);
    result.push_back(bias[row]);
  }
  return result;
}

std::vector<Numbers> folded(const std::vector<Numbers>& apart) {
  return {folded(apart[0], apart[1]), folded(apart[2], apart[3])};
}

double largest_difference(const std::vector<Numbers>& a, const std::vector<Numbers>& b) {
  double worst = 0;
  REQUIRE(a.size() == b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    REQUIRE(a[k].size() == b[k].size());
    for (std::size_t i = 0; i < a[k].size(); ++i) {
      const double d = a[k][i] - b[k][i];
      worst = d > worst ? d : -d > worst ? -d : worst;
    }
  }
  return worst;
}

void step(std::vector<Numbers>& weights, const std::vector<Numbers>& slope) {
  for (std::size_t k = 0; k < weights.size(); ++k) {
    for (std::size_t i = 0; i < weights[k].size(); ++i) weights[k][i] -= 0.1 * slope[k][i];
  }
}

}  // namespace

TEST_CASE("backprop gives the same result with the bias folded into the weights as with it apart") {
  const std::vector<Numbers> data{by_hand::scattered(samples * in, 1),
                                  by_hand::scattered(samples * out, 2)};
  std::vector<Numbers> apart{by_hand::scattered(hidden * in, 3), by_hand::scattered(hidden, 4),
                             by_hand::scattered(out * hidden, 5), by_hand::scattered(out, 6)};
  std::vector<Numbers> together = folded(apart);
  const std::vector<Numbers> start = apart;
  for (int k = 0; k < 50; ++k) {
    const auto slope_apart = interpret<double>(slopes<Apart>(), data, apart);
    const auto slope_together = interpret<double>(slopes<Folded>(), data, together);
    CHECK(largest_difference(folded(slope_apart), slope_together) < 1e-14);
    step(apart, slope_apart);
    step(together, slope_together);
    CHECK(largest_difference(folded(apart), together) < 1e-13);
  }
  CHECK(largest_difference(start, apart) > 0.1);  // it did train
}
