// SPDX-License-Identifier: BSL-1.0
// Training and derivatives of networks whose outputs and weights are more than one row of layers.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/bilinear.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/names.hpp"
#include "etch/layers/several.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/derivatives.hpp"
#include "etch/network/interpreted.hpp"
#include "etch/network/model.hpp"
#include "etch/train/trainer.hpp"
#include "oracle.hpp"

namespace {

using namespace etch;
using etch::literals::operator""_k;
using oracle::Numbers;

const ProgressOptions quiet{.style = ProgressStyle::off};

using Leg = Share<"leg", Linear<6>>;
using Siamese = Network<Inputs<Shape<3>, Shape<3>>, Parallel<Leg, Leg>, Join<0>, Tanh, Linear<8>,
                        Tanh, Linear<1>>;

/// Two inputs, two outputs.
struct Cross {
  template <Expr A, Expr B> static constexpr auto formula(A a, B b) {
    return outputs(tanh(b * a), a);
  }
};
using Pair = Network<Inputs<Shape<3>, Shape<2, 3>>, Cross, Parallel<Linear<2>, Linear<2>>>;

/// A loss that looks at both outputs: the first one counts as a number, the second one as logits.
struct BothOutputs {
  template <class S> using Target = S;

  template <Expr X, Expr T> static constexpr auto formula(X x, T t) {
    const auto regression = MSE::formula(output<Pair, "0">(x), output<Pair, "0">(t));
    const auto decision = BCEWithLogits::formula(output<Pair, "1">(x), output<Pair, "1">(t));
    return regression + constant<0.5> * decision;
  }
};

/// Two feature maps on the way.
using Features = Network<Input<1, 6, 6>, Conv2d<3, 3>, Tap<"edges">, Tanh, Conv2d<2, 2>,
                         Tap<"corners">, Flatten, Linear<2>>;

/// The style loss of Gatys et al. (2016): Gram matrices of the features as those of another image.
struct Style {
  template <class S> using Target = S;

  template <Expr X, Expr T> static constexpr auto formula(X x, T t) {
    return same_style(output<Features, "edges">(x), output<Features, "edges">(t)) +
           constant<2.0> * same_style(output<Features, "corners">(x),
                                      output<Features, "corners">(t));
  }

 private:
  template <Expr A, Expr B> static constexpr auto same_style(A a, B b) {
    return MSE::formula(Gram::formula(a), Gram::formula(b));
  }
};

/// A network in double, whose parameters and inputs can be moved.
template <class Net> class InDouble {
 public:
  explicit InDouble(const Parameters<Net>& parameters)
      : machine_(network_tape<Net>()), weights_(oracle::parameters_of(parameters)) {}

  std::vector<Numbers>& weights() { return weights_; }
  Numbers operator()(const Numbers& x) {
    for (std::size_t row = 0; row < weights_.size(); ++row) {
      machine_.set_parameter(row, weights_[row]);
    }
    machine_.set_input(0, x);
    machine_.run();
    return {machine_.output(0).begin(), machine_.output(0).end()};
  }

 private:
  Interpreter<double> machine_;
  std::vector<Numbers> weights_;
};

/// Central difference of f while x changes.
double slope(double& x, const std::function<double()>& f) {
  constexpr double step = 1e-5;
  const double at = x;
  x = at + step;
  const double above = f();
  x = at - step;
  const double below = f();
  x = at;
  return (above - below) / (2 * step);
}

/// The gradients of a trainer after one step, against differences of a loss in double.
template <class Net, class Loss>
void check_gradients(
    const std::function<double(const Numbers& y, std::span<const float> t)>& loss) {
  constexpr std::size_t batch = 3, in = InputShape<Net>::size, out = OutputShape<Net>::size;
  Trainer<Net, Loss, SGD, Batch<batch>> trainer({.seed = 5, .optimizer = {.lr = 0}});
  const auto x = oracle::random_floats(batch * in, 6), t = oracle::random_floats(batch * out, 7);
  const double found = static_cast<double>(trainer.step(std::span<const float, batch * in>(x),
                                                        std::span<const float, batch * out>(t)));
  InDouble<Net> net(trainer.parameters());
  const auto mean = [&] {
    double sum = 0;
    for (std::size_t i = 0; i < batch; ++i) {
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(i * in);
      sum += loss(net(Numbers(begin, begin + in)), std::span(t).subspan(i * out, out));
    }
    return sum / batch;
  };
  CHECK(found == Approx(mean()).epsilon(1e-5));
  std::size_t row = 0;
  trainer.gradients().for_each([&](const ParameterInfo& info, auto gradient) {
    INFO(info.name.view());
    Numbers& weight = net.weights()[row++];
    for (std::size_t i = 0; i < weight.size(); ++i) {
      CHECK(static_cast<double>(gradient[i]) == Approx(slope(weight[i], mean)).margin(2e-6));
    }
  });
}

double squares(const Numbers& y, std::span<const float> t, std::size_t from, std::size_t n) {
  double sum = 0;
  for (std::size_t i = from; i < from + n; ++i) {
    const double error = y[i] - static_cast<double>(t[i]);
    sum += error * error;
  }
  return sum / static_cast<double>(n);
}

double both_outputs(const Numbers& y, std::span<const float> t) {
  double decision = 0;
  for (std::size_t i = 4; i < 6; ++i) {
    decision += (std::log1p(std::exp(y[i])) - y[i] * static_cast<double>(t[i])) / 2;
  }
  return squares(y, t, 0, 4) + 0.5 * decision;
}

Numbers gram(const auto& y, std::size_t from, std::size_t channels, std::size_t pixels) {
  Numbers g(channels * channels);
  for (std::size_t i = 0; i < g.size(); ++i) {
    for (std::size_t k = 0; k < pixels; ++k) {
      g[i] += static_cast<double>(y[from + i / channels * pixels + k]) *
              static_cast<double>(y[from + i % channels * pixels + k]);
    }
    g[i] /= static_cast<double>(channels * pixels);
  }
  return g;
}

double style(const Numbers& y, std::span<const float> t) {
  const auto distance = [&](std::size_t from, std::size_t channels, std::size_t pixels) {
    const Numbers a = gram(y, from, channels, pixels), b = gram(t, from, channels, pixels);
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum / static_cast<double>(a.size());
  };
  return distance(2, 3, 16) + 2 * distance(2 + 48, 2, 9);
}

}  // namespace

TEST_CASE("gradients of shared weights are the sum of what each of their places gives") {
  check_gradients<Siamese, MSE>(
      [](const Numbers& y, std::span<const float> t) { return squares(y, t, 0, 1); });
}

TEST_CASE("a loss may look at several outputs") {
  check_gradients<Pair, BothOutputs>(both_outputs);
}

TEST_CASE("a loss on taps: the gradient for the image is that of the style") {
  Parameters<Features> parameters;
  initialize(parameters, 3);
  Model<Features> model(parameters);
  const auto drawn = oracle::random_floats(72, 4);
  std::array<float, 36> x;
  std::copy_n(drawn.begin(), 36, x.begin());
  const auto target = model(std::span<const float, 36>(drawn.data() + 36, 36));

  const auto gradient = std::make_unique<InputGradient<Features, Style>>();
  std::array<float, 36> dx;
  const float found = (*gradient)(parameters, x, target, dx);
  InDouble<Features> net(parameters);
  Numbers at(x.begin(), x.end());
  const auto loss = [&] { return style(net(at), target); };
  CHECK(static_cast<double>(found) == Approx(loss()).epsilon(1e-5));
  for (std::size_t i = 0; i < 36; ++i) {
    CHECK(static_cast<double>(dx[i]) == Approx(slope(at[i], loss)).margin(1e-6));
  }
  // An image with its own style has nothing to change.
  const auto itself = model(x);
  CHECK((*gradient)(parameters, x, itself, dx) == Approx(0).margin(1e-12));
}

TEST_CASE("the Jacobian has a column for each number of all inputs") {
  Parameters<Pair> parameters;
  initialize(parameters, 8);
  constexpr std::size_t in = 9, out = 6;
  std::array<float, in> x;
  std::ranges::copy(oracle::random_floats(in, 9), x.begin());
  Jacobian<Pair> jacobian;
  std::array<float, out * in> j;
  jacobian(parameters, x, j);
  InDouble<Pair> net(parameters);
  Numbers at(x.begin(), x.end());
  for (std::size_t i = 0; i < out; ++i) {
    for (std::size_t k = 0; k < in; ++k) {
      const double want = slope(at[k], [&] { return net(at)[i]; });
      CHECK(static_cast<double>(j[i * in + k]) == Approx(want).margin(1e-5));
    }
  }
}

TEST_CASE("a siamese network learns whether its inputs are alike") {
  // Signs of three numbers: the same ones, or others.
  std::vector<float> x, t;
  for (unsigned i = 0; i < 64; ++i) {
    for (const unsigned bits : {i % 8, i / 8}) {
      for (unsigned k = 0; k < 3; ++k) x.push_back((bits >> k) % 2 == 0 ? -1.f : 1.f);
    }
    t.push_back(i % 8 == i / 8 ? 1.f : 0.f);
  }
  const Dataset data = Dataset::regression(6, 1, x, t).value();
  using Learner = Trainer<Siamese, BCEWithLogits, Adam, Batch<16>>;
  Learner trainer({.epochs = 200, .seed = 1, .optimizer = {.lr = 0.02f}, .progress = quiet});
  REQUIRE(trainer.fit(data).has_value());
  CHECK(trainer.evaluate(data).accuracy > 0.98);
  Model<Siamese> model(trainer.parameters());
  CHECK(model(std::array{1.f, -1.f, 1.f}, std::array{1.f, -1.f, 1.f})[0] > 0);
  CHECK(model(std::array{1.f, -1.f, 1.f}, std::array{1.f, 1.f, 1.f})[0] < 0);
}
