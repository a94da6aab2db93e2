// SPDX-License-Identifier: BSL-1.0
#include "golden_driver.hpp"

#include "catch.hpp"
#include "golden/golden.hpp"

namespace layers {

namespace {

/// Float against nine digits, and double: the files have nine digits.
template <class T> constexpr Tolerance tolerance{2e-5, 2e-6};
template <> constexpr Tolerance tolerance<double>{1e-8, 1e-8};

/// The parameters of a case are the tensors with a dot in their name, but for the gradients and the
/// new values of buffers, which have a d in front.
Named<double> parameters_of(const golden::Case& entry) {
  Named<double> result;
  for (const auto& [name, tensor] : entry.tensors) {
    if (name.find('.') != std::string::npos && name[0] != 'd') result[name] = tensor.data;
  }
  return result;
}

template <class T>
void check_tensor(const golden::Case& entry, const std::string& name, const Numbers<T>& got) {
  INFO(entry.where << ": " << name << (sizeof(T) == 4 ? " generated" : " interpreted"));
  CHECK(difference(got, entry.tensor(name).data, tolerance<T>) == "");
}

template <class T>
void check_pass(const golden::Case& entry, const Trainable& net,
                const std::function<Numbers<T>(const Numbers<T>&)>& seed, bool has_y) {
  const Named<double> parameters = parameters_of(entry);
  const Pass<T> pass =
      run_pass<T>(net, parameters, cast<T>(entry.tensor("x").data), seed);
  if (has_y) check_tensor(entry, "y", pass.y);
  check_tensor(entry, "dx", pass.dx);
  CHECK(pass.gradients.size() == parameters.size());
  for (const auto& [name, gradient] : pass.gradients) check_tensor(entry, "d" + name, gradient);
}

template <class T> void check_case(const golden::Case& entry, const Trainable& net) {
  const auto seed = [&](const Numbers<T>&) { return cast<T>(entry.tensor("r").data); };
  check_pass<T>(entry, net, seed, true);
}

template <class T> void check_loss(const golden::Case& entry, const GoldenLoss& c) {
  const std::size_t batch = c.training.batch;
  const Numbers<T> weights(batch, T(1) / static_cast<T>(batch));
  const auto loss = [&](const Numbers<T>& prediction) {
    const auto results =
        execute<T>(c.loss, {prediction, cast<T>(entry.tensor("target").data), weights}, {});
    check_tensor(entry, "y", results[0]);
    return results[1];
  };
  check_pass<T>(entry, c.training, loss, false);
}

template <class Cases, class Check>
void check_family(const std::string& family, const Cases& cases, const Check& check) {
  const golden::File file = golden::load(family);
  std::map<std::string, int> seen;
  for (const auto& c : cases) {
    ++seen[c.name];
    check(file.at(c.name), c);
  }
  for (const auto& [name, entry] : file.cases) {
    INFO(entry.where);
    CHECK(seen[name] == 1);
  }
}

}  // namespace

Trainable interpreted(const etch::Tape& formula) {
  const etch::Tape tidy = etch::tidied(formula, true);
  etch::TrainingTapes halves = etch::split_for_training(tidy, true);
  Trainable result{formula.batch, {}, 0, {}, false, formula};
  for (const etch::ParameterInfo& info : tidy.parameters) result.parameters.push_back({info});
  result.blocks.push_back({{nullptr, std::move(halves.forward), 0},
                           {nullptr, std::move(halves.backward), 0}});
  return result;
}

void check_golden(const std::string& family, const std::vector<GoldenCase>& cases) {
  check_family(family, cases, [](const golden::Case& entry, const GoldenCase& c) {
    const bool generated = c.training.blocks.front().forward.run != nullptr;
    if (generated) check_case<float>(entry, c.training);
    check_case<double>(entry, c.training);
    if (c.inference.empty()) return;
    const Numbers<float> weights =
        placed(c.training.parameters, c.training.parameter_floats, parameters_of(entry));
    const Numbers<float> x = cast<float>(entry.tensor("x").data);
    const bool apart = entry.tensors.contains("y_inference");  // another one than in training
    const std::string y = apart ? "y_inference" : "y";
    for (const Inference& i : c.inference) check_tensor(entry, y, infer(i, weights, x));
  });
}

void check_golden_losses(const std::string& family, const std::vector<GoldenLoss>& cases) {
  check_family(family, cases, [](const golden::Case& entry, const GoldenLoss& c) {
    check_loss<float>(entry, c);
    check_loss<double>(entry, c);
  });
}

}  // namespace layers
