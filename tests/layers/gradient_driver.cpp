// SPDX-License-Identifier: BSL-1.0
#include "gradient_driver.hpp"

#include <cmath>

#include "catch.hpp"

namespace layers {

namespace {

/// sum(y r) of a network in double, by the interpreter.
class Objective {
 public:
  Objective(const Trainable& net, const Named<double>& parameters, const Numbers<double>& x,
            const Numbers<double>& r)
      : machine_(net.formula), r_(r) {
    for (const etch::ParameterInfo& info : net.formula.parameters) {
      names_.emplace_back(info.name.view());
    }
    for (const auto& [name, values] : parameters) set(name, values);
    machine_.set_input(0, x);
    machine_.set_input(etch::TrainingInput::of_weight,
                       Numbers<double>(net.batch, 1 / static_cast<double>(net.batch)));
    machine_.set_input(etch::TrainingInput::of_keys, random_keys);
  }

  double operator()() {
    machine_.run();
    const std::span<const double> y = machine_.output(0);
    double total = 0;
    for (std::size_t i = 0; i < y.size(); ++i) total += y[i] * r_[i];
    return total;
  }

  void set(const std::string& name, const Numbers<double>& values) {
    for (std::size_t row = 0; row < names_.size(); ++row) {
      if (names_[row] == name) machine_.set_parameter(row, values);
    }
  }
  void set_x(const Numbers<double>& x) { machine_.set_input(0, x); }

  /// What the last call found for the buffer-th buffer.
  Numbers<double> renewed(std::size_t buffer) const {
    const std::span<const double> values = machine_.output(1 + buffer);
    return {values.begin(), values.end()};
  }

 private:
  etch::Interpreter<double> machine_;
  const Numbers<double>& r_;
  std::vector<std::string> names_;
};

/// Central differences in every element of `values`, which `set` hands to the objective.
template <class Set>
Numbers<double> slopes(Objective& objective, Numbers<double> values, const Set& set) {
  constexpr double step = 1e-5;
  Numbers<double> result;
  for (double& v : values) {
    const double at = v;
    const auto moved = [&](double to) {
      v = to;
      set(values);
      return objective();
    };
    const double above = moved(at + step), below = moved(at - step);
    result.push_back((above - below) / (2 * step));
    moved(at);
  }
  return result;
}

struct Drawn {
  Named<double> parameters;
  Numbers<double> x, r;
};

Drawn draw(const Trainable& net) {
  const etch::Tape& tape = net.formula;
  const auto floats = [&](int i) { return net.batch * tape[i].shape.size(); };
  Drawn drawn{{}, scattered(floats(0), 1), scattered(floats(tape.outputs[0]), 2)};
  for (const etch::PlacedParameter& p : net.parameters) {
    const auto seed = static_cast<unsigned>(3 + drawn.parameters.size());
    drawn.parameters[std::string(p.info.name.view())] = scattered(p.info.shape.size(), seed);
  }
  return drawn;
}

constexpr Tolerance tolerance{2e-5, 1e-5};

void check_named(const Named<float>& got, const Named<double>& want, const std::string& by) {
  CHECK(got.size() == want.size());
  for (const auto& [name, gradient] : got) {
    INFO("gradient of " << name << " by " << by);
    CHECK(difference(gradient, want.at(name), tolerance) == "");
  }
}

/// What the trainer runs: all of its memory is poisoned, and the floats between tensors stay so, as
/// do frozen ones.
void check_backpropagation(const GradientCase& c, const Drawn& drawn, double total,
                           const Named<double>& want) {
  const Trainable& net = c.training;
  const Aligned gradients(net.parameter_floats), memory(c.workspace);
  const Aligned weights(placed(net.parameters, net.parameter_floats, drawn.parameters));
  // Each sample counts 1 / batch, so that its target is to be batch times as large.
  const auto batch = static_cast<float>(net.batch);
  Numbers<float> targets = cast<float>(drawn.r);
  for (float& t : targets) t *= batch;
  const Aligned x(cast<float>(drawn.x)), r(targets), shares(Numbers<float>(net.batch, 1 / batch));
  Numbers<float> keys;
  for (std::size_t block = 0; block < net.blocks.size(); ++block) {
    for (const double key : random_keys) keys.push_back(static_cast<float>(key));
  }
  const float got = c.backpropagate(weights.data(), x.data(), r.data(), shares.data(), keys.data(),
                                    gradients.data(), memory.data());
  CHECK(std::abs(static_cast<double>(got) - total) <= 1e-5 * (1 + std::abs(total)));
  std::vector<etch::PlacedParameter> renewed = net.parameters;
  std::erase_if(renewed, [](const auto& p) { return p.info.role == etch::Role::frozen; });
  check_named(by_name(renewed, gradients.values()), want, "backpropagation");
  std::size_t unwritten = 0, padding = net.parameter_floats;
  for (const etch::PlacedParameter& p : renewed) padding -= p.info.shape.size();
  for (const float value : gradients.values()) unwritten += std::isnan(value) ? 1 : 0;
  CHECK(unwritten == padding);
}

void check_case(const GradientCase& c) {
  const Trainable& net = c.training;
  const Drawn drawn = draw(net);
  Objective objective(net, drawn.parameters, drawn.x, drawn.r);
  const double total = objective();
  Named<double> want;
  std::size_t buffers = 0;
  for (const etch::PlacedParameter& p : net.parameters) {
    if (p.info.role != etch::Role::buffer) continue;
    want[std::string(p.info.name.view())] = objective.renewed(buffers++);
  }
  for (const etch::PlacedParameter& p : net.parameters) {
    if (p.info.role != etch::Role::trained) continue;
    const std::string name(p.info.name.view());
    const auto set = [&](const auto& v) { objective.set(name, v); };
    want[name] = slopes(objective, drawn.parameters.at(name), set);
  }
  check_backpropagation(c, drawn, total, want);
  if (net.recurrent) return;
  const auto dx = slopes(objective, drawn.x, [&](const auto& v) { objective.set_x(v); });
  const auto seed = [&](const Numbers<float>&) { return cast<float>(drawn.r); };
  const Pass<float> pass = run_pass<float>(net, drawn.parameters, cast<float>(drawn.x), seed);
  CHECK(difference(pass.dx, dx, tolerance) == "");
  check_named(pass.gradients, want, "blocks");
}

}  // namespace

void check_gradients(const std::vector<GradientCase>& cases) {
  for (const GradientCase& c : cases) {
    INFO(c.name << ", batch " << c.training.batch);
    check_case(c);
  }
}

}  // namespace layers
