// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "etch/data/random.hpp"
#include "etch/network/parameters.hpp"
#include "etch/network/training_tapes.hpp"
#include "etch/tape/interpret.hpp"

// What a network computes, by the interpreter in double: the whole network as one tape, parameters
// with PyTorch's shapes, no block, no plan, no kernel.

namespace oracle {

using Numbers = std::vector<double>;

template <class Net> struct parts;
template <class In, class... Layers> struct parts<etch::Network<In, Layers...>> {
  using layers = etch::Sequential<Layers...>;
  using input = typename In::sample;
};

template <class Net> etch::Tape tape_of(std::size_t batch) {
  return etch::lower<typename parts<Net>::layers, typename parts<Net>::input>(batch);
}

inline std::vector<float> random_floats(std::size_t n, std::uint64_t seed, float scale = 1) {
  etch::Random random(seed);
  std::vector<float> x(n);
  for (float& v : x) v = random.uniform(-scale, scale);
  return x;
}

inline Numbers widened(std::span<const float> x) { return {x.begin(), x.end()}; }

/// All parameters in the order of the table, row-major with PyTorch's shapes.
template <class Net>
std::vector<Numbers> parameters_of(const etch::Parameters<Net>& parameters) {
  std::vector<Numbers> result;
  parameters.for_each([&](const etch::ParameterInfo&, auto tensor) {
    Numbers values(tensor.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(tensor[i]);
    result.push_back(values);
  });
  return result;
}

template <class Net>
Numbers outputs(const etch::Parameters<Net>& parameters, std::span<const float> x,
                std::size_t batch) {
  return etch::interpret<double>(tape_of<Net>(batch), {widened(x)}, parameters_of(parameters))[0];
}

/// The weighted sum of the losses of a batch, and its gradient for each parameter.
struct Slope {
  double loss = 0;
  std::vector<Numbers> gradients;
};

template <class Net, class Loss> struct WeightedLoss {
  template <class X, class T, class W> static constexpr auto formula(X x, T t, W w) {
    return w * Loss::formula(etch::call<"", typename parts<Net>::layers>(x), t);
  }
};

template <class Net, class Loss>
Slope slope(const etch::Parameters<Net>& parameters, std::span<const float> x,
            std::span<const float> target, std::span<const float> weight) {
  using S = typename parts<Net>::input;
  using Target = typename Loss::template Target<etch::OutputShape<Net>>;
  // Tidied, for loops that are written out read each parameter many times.
  etch::Tape tape = etch::tidied(
      etch::lower<WeightedLoss<Net, Loss>, S, Target, etch::Shape<>>(weight.size()), true);
  const etch::Value total = etch::sum_over_batch({&tape, tape.outputs[0]});
  tape.outputs = {total.id};
  etch::Tape slopes = etch::gradient(tape, etch::leaves(tape, etch::Op::parameter));
  slopes.outputs.push_back(total.id);
  auto results = etch::interpret<double>(slopes, {widened(x), widened(target), widened(weight)},
                                         parameters_of(parameters));
  const double loss = results.back()[0];
  results.pop_back();
  return {loss, results};
}

/// Largest |a - b| / (1 + |b|).
inline double deviation(std::span<const float> a, const Numbers& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - b[i]) / (1 + std::abs(b[i]));
    worst = d <= worst ? worst : d;  // a NaN is the worst
    if (std::isnan(d)) return INFINITY;
  }
  return worst;
}

}  // namespace oracle
