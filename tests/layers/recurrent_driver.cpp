// SPDX-License-Identifier: BSL-1.0
#include "recurrent_driver.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "catch.hpp"
#include "golden/golden.hpp"

namespace layers {

namespace {

constexpr Tolerance tolerance{2e-5, 2e-6};

/// The samples of a batch, which starts at `first`, of a tensor.
Numbers<float> samples(const golden::Tensor& tensor, std::size_t first, std::size_t batch) {
  const std::size_t size = tensor.data.size() / tensor.shape[0];
  const auto from = tensor.data.begin() + static_cast<std::ptrdiff_t>(first * size);
  return cast<float>(Numbers<double>(from, from + static_cast<std::ptrdiff_t>(batch * size)));
}

double dot(const Numbers<float>& r, const Numbers<float>& y) {
  double total = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    total += static_cast<double>(r[i]) * static_cast<double>(y[i]);
  }
  return total;
}

Named<double> parameters_of(const RecurrentCase& c, const golden::Case& entry) {
  Named<double> result;
  for (const etch::PlacedParameter& p : c.parameters) {
    const std::string name(p.info.name.view());
    result[name] = entry.tensor(name).data;
  }
  return result;
}

/// The gradients of sum(y r), batch by batch, added up. Each sample counts 1, so that the gradient
/// of y is r itself.
Numbers<float> gradients_of(const RecurrentCase& c, const GeneratedPass& pass,
                            const golden::Case& entry, const Aligned& weights) {
  Numbers<float> sums(c.parameter_floats, 0);
  for (std::size_t first = 0; first < golden_batch; first += pass.batch) {
    const Aligned x(samples(entry.tensor("x"), first, pass.batch));
    const Aligned r(samples(entry.tensor("r"), first, pass.batch));
    const Aligned ones(Numbers<float>(pass.batch, 1));
    const Aligned gradients(c.parameter_floats), memory(pass.workspace), other(pass.workspace);
    const float loss = pass.backpropagate(weights.data(), x.data(), r.data(), ones.data(), nullptr,
                                          gradients.data(), memory.data());
    const double want = dot(r.values(), samples(entry.tensor("y"), first, pass.batch));
    CHECK(std::abs(static_cast<double>(loss) - want) <= 1e-5 * (1 + std::abs(want)));
    const float again = pass.evaluate(weights.data(), x.data(), r.data(), ones.data(), nullptr,
                                      nullptr, other.data());
    CHECK(std::abs(static_cast<double>(again) - want) <= 1e-5 * (1 + std::abs(want)));
    const Numbers<float> part = gradients.values();
    std::ranges::transform(sums, part, sums.begin(), std::plus());
  }
  return sums;
}

void check_case(const RecurrentCase& c, const golden::Case& entry) {
  const Named<double> parameters = parameters_of(c, entry);
  const Numbers<float> weights = placed(c.parameters, c.parameter_floats, parameters);
  for (const GeneratedPass& pass : c.passes) {
    INFO(entry.where << ", batch " << pass.batch);
    const Numbers<float> y = infer(pass.inference, weights, cast<float>(entry.tensor("x").data));
    CHECK(difference(y, entry.tensor("y").data, tolerance) == "");
    const Numbers<float> sums = gradients_of(c, pass, entry, Aligned(weights));
    for (const auto& [name, gradient] : by_name(c.parameters, sums)) {
      INFO("gradient of " << name);
      CHECK(difference(gradient, entry.tensor("d" + name).data, tolerance) == "");
    }
    std::size_t unwritten = 0, padding = c.parameter_floats;
    for (const etch::PlacedParameter& p : c.parameters) padding -= p.info.shape.size();
    for (const float sum : sums) unwritten += std::isnan(sum) ? 1 : 0;
    CHECK(unwritten == padding);
  }
}

}  // namespace

void check_recurrent(const std::string& family, const std::vector<RecurrentCase>& cases) {
  const golden::File file = golden::load(family);
  for (const RecurrentCase& c : cases) check_case(c, file.at(c.name));
}

}  // namespace layers
