// SPDX-License-Identifier: BSL-1.0
#include "workload.hpp"

#include <algorithm>
#include <memory>
#include <span>

#include "networks.hpp"

namespace bench {

namespace {

// Where the activations stand is read off the network's type, so that there is one description.

constexpr Activation activation_of(auto) { return Activation::none; }
constexpr Activation activation_of(etch::ReLU) { return Activation::relu; }
constexpr Activation activation_of(etch::Tanh) { return Activation::tanh; }

template <std::size_t out, class... Options>
void add_layer(std::vector<Layer>& layers, etch::Linear<out, Options...>) {
  layers.push_back({.kind = Kind::linear, .out = out});
}
template <std::size_t out, etch::Size2d kernel, class... Options>
void add_layer(std::vector<Layer>& layers, etch::Conv2d<out, kernel, Options...>) {
  layers.push_back({.kind = Kind::conv2d, .out = out, .window = kernel.height});
}
template <etch::Size2d kernel, class... Options>
void add_layer(std::vector<Layer>& layers, etch::MaxPool2d<kernel, Options...>) {
  layers.push_back({.kind = Kind::max_pool2d, .window = kernel.height});
}
void add_layer(std::vector<Layer>& layers, auto other) {
  if (!layers.empty()) layers.back().activation = activation_of(other);
}
void add_layer(std::vector<Layer>&, etch::Flatten) {}

template <class In, class... L> std::vector<Layer> layers_of(etch::Network<In, L...>) {
  std::vector<Layer> layers;
  (add_layer(layers, L{}), ...);
  return layers;
}

/// Weights as PyTorch would show them, put where they belong.
template <class Net> void add_weights(Workload& w, const etch::Parameters<Net>& parameters) {
  auto layer = w.layers.begin();
  parameters.for_each([&](const etch::ParameterInfo& info, auto tensor) {
    while (layer->kind == Kind::max_pool2d) ++layer;
    Floats values(tensor.size());
    tensor.copy_to(std::span<float, tensor.size()>(values.data(), tensor.size()));
    if (info.name.view().ends_with("weight")) {
      layer->weight = std::move(values);
      layer->in = info.shape[1];
    } else {
      layer->bias = std::move(values);
      ++layer;
    }
  });
}

/// 1e-20 * 1e-20 is denormal, and stays so through layers without a bias.
void make_denormal(Workload& w) {
  for (float& v : w.x) v *= 1e-20f;
  for (float& v : w.layers.front().weight) v *= 1e-20f;
  for (Layer& layer : w.layers) std::ranges::fill(layer.bias, 0.f);
}

template <class Loss> void add_targets(Workload& w, etch::Random& random) {
  w.loss = Loss::classifies ? bench::Loss::cross_entropy : bench::Loss::mse;
  const std::size_t targets = w.batch * (Loss::classifies ? 1 : w.outputs);
  for (std::size_t i = 0; i < targets; ++i) {
    if (Loss::classifies) {
      const float label = random.uniform(0, 1) * static_cast<float>(w.outputs);
      w.labels.push_back(static_cast<std::uint32_t>(label));
    } else {
      w.target.push_back(random.uniform(-1, 1));
    }
  }
}

template <class R>
Floats first_losses(const Workload& w, const etch::Parameters<typename R::Net>& parameters) {
  etch::Trainer<typename R::Net, typename R::Loss, Optimizer, etch::Batch<R::batch>> trainer;
  trainer.parameters() = parameters;
  constexpr std::size_t inputs = R::batch * etch::InputShape<typename R::Net>::size;
  constexpr std::size_t targets = targets_of<R>;
  const Floats target = floats_of_targets(w);
  Floats losses;
  for (int step = 0; step < 5; ++step) {
    losses.push_back(trainer.step(std::span<const float, inputs>(w.x),
                                  std::span<const float, targets>(target)));
  }
  return losses;
}

template <class R> Workload make_workload(R row) {
  using Net = typename R::Net;
  constexpr std::size_t inputs = etch::InputShape<Net>::size;
  Workload w{.name = row.name, .batch = R::batch, .layers = layers_of(Net{})};
  constexpr auto dims = etch::InputShape<Net>::dims;
  w.channels = dims[0];
  if constexpr (dims.rank == 3) {
    w.height = dims[1];
    w.width = dims[2];
  }
  w.outputs = etch::OutputShape<Net>::size;

  const auto parameters = std::make_unique<etch::Parameters<Net>>();
  etch::initialize(*parameters, 1);
  add_weights(w, *parameters);
  etch::Random random(2);
  w.x.resize(R::batch * inputs);
  for (float& v : w.x) v = random.uniform(-1, 1);
  if (row.denormal) make_denormal(w);
  load(*parameters, w);

  if constexpr (R::trains) {
    add_targets<typename R::Loss>(w, random);
    w.expected = first_losses<R>(w, *parameters);
  } else {
    w.expected.resize(R::batch * w.outputs);
    const auto memory = std::make_unique<etch::Workspace<Net, R::batch>>();
    etch::infer<Net, R::batch>(
        *parameters, *memory, std::span<const float, R::batch * inputs>(w.x),
        std::span<float, R::batch * etch::OutputShape<Net>::size>(w.expected));
  }
  return w;
}

template <std::size_t n> Product make_product(const char* name) {
  Product p{.name = name, .n = n, .a = Floats(n * n), .b = Floats(n * n), .expected = {}};
  etch::Random random(n);
  for (float& v : p.a) v = random.uniform(-1, 1);
  for (float& v : p.b) v = random.uniform(-1, 1);
  // Not by etch: a plain product is checked against its definition.
  p.expected.resize(n * n);
  std::vector<double> row(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::ranges::fill(row, 0);
    for (std::size_t k = 0; k < n; ++k) {
      const double a = static_cast<double>(p.a[i * n + k]);
      for (std::size_t j = 0; j < n; ++j) row[j] += a * static_cast<double>(p.b[k * n + j]);
    }
    for (std::size_t j = 0; j < n; ++j) p.expected[i * n + j] = static_cast<float>(row[j]);
  }
  return p;
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const auto all = [] {
    std::vector<Workload> made;
    for_each_network([&](auto row) { made.push_back(make_workload(row)); });
    return made;
  }();
  return all;
}

const std::vector<Product>& products() {
  static const auto all = [] {
    std::vector<Product> made;
    for_each_product([&](const char* name, auto n) { made.push_back(make_product<n()>(name)); });
    return made;
  }();
  return all;
}

}  // namespace bench
