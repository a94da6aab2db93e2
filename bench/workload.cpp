// SPDX-License-Identifier: BSL-1.0
#include "workload.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "networks.hpp"
#include "sequences.hpp"

namespace bench {

namespace {

// The layers are read off the network's type, so that there is one description.

constexpr Activation activation_of(auto) { return Activation::none; }
constexpr Activation activation_of(etch::ReLU) { return Activation::relu; }
constexpr Activation activation_of(etch::Tanh) { return Activation::tanh; }

class LayerList {
 public:
  /// Layers one after the other, named by their positions.
  template <class... L> void add_all(const std::string& path) {
    std::size_t position = 0;
    (add(path + std::to_string(position++), L{}), ...);
  }
  std::vector<Layer> layers;

 private:
  template <std::size_t out, class... Options>
  void add(const std::string& path, etch::Linear<out, Options...>) {
    layers.push_back({.kind = Kind::linear, .name = path, .out = out});
  }
  template <std::size_t out, etch::Size2d kernel, class... Options>
  void add(const std::string& path, etch::Conv2d<out, kernel, Options...>) {
    constexpr etch::Size2d one = 1, zero = 0;
    layers.push_back(
        {.kind = Kind::conv2d,
         .name = path,
         .out = out,
         .window = kernel.height,
         .stride = etch::option_or<etch::option::Stride, one, Options...>().height,
         .padding = etch::option_or<etch::option::Padding, zero, Options...>().height});
  }
  template <etch::Size2d kernel, class... Options>
  void add(const std::string&, etch::MaxPool2d<kernel, Options...>) {
    layers.push_back({.kind = Kind::max_pool2d, .window = kernel.height});
  }
  void add(const std::string&, etch::GlobalAvgPool) {
    layers.push_back({.kind = Kind::global_avg_pool2d});
  }
  template <std::size_t heads, std::size_t hidden>
  void add(const std::string& path, etch::TransformerEncoderLayer<heads, hidden>) {
    layers.push_back({.kind = Kind::encoder, .name = path, .heads = heads, .hidden = hidden});
  }
  template <class... L> void add(const std::string& path, etch::Sequential<L...>) {
    add_all<L...>(path + '.');
  }
  template <class... L> void add(const std::string& path, etch::Residual<L...>) {
    const std::size_t x = layers.size() - 1;
    add_all<L...>(path + '.');
    layers.back().plus = x;
  }
  template <class A, class B> void add(const std::string& path, etch::Sum<A, B>) {
    const std::size_t x = layers.size() - 1;
    add(path + ".0", A{});
    const std::size_t behind = layers.size();
    add(path + ".1", B{});
    layers[behind].from = x;
    layers.back().plus = behind - 1;
  }
  void add(const std::string&, auto other) {
    if (!layers.empty()) layers.back().activation = activation_of(other);
  }
  void add(const std::string&, etch::Flatten) {}
};

template <class In, class... L> std::vector<Layer> layers_of(etch::Network<In, L...>) {
  LayerList list;
  list.add_all<L...>("");
  return std::move(list.layers);
}

/// Whether `path` is that of a parameter of the layer.
bool belongs(std::string_view path, const Layer& layer) {
  return !layer.name.empty() && path.starts_with(layer.name + '.');
}

/// Weights as PyTorch would show them, put where they belong.
template <class Net> void add_weights(Workload& w, etch::Parameters<Net>& parameters) {
  etch::Random random(3);
  parameters.for_each([&](const etch::ParameterInfo& info, auto tensor) {
    const std::string_view path = info.name.view();
    Layer& layer =
        *std::ranges::find_if(w.layers, [&](const Layer& l) { return belongs(path, l); });
    const std::string_view name = path.substr(layer.name.size() + 1);
    Floats values(tensor.size());
    tensor.copy_to(std::span<float, tensor.size()>(values.data(), tensor.size()));
    if (layer.in == 0) layer.in = info.shape[1];
    if (layer.out == 0) layer.out = layer.in;  // an encoder
    if (name == "weight") {
      layer.weight = std::move(values);
    } else if (name == "bias") {
      layer.bias = std::move(values);
    } else {
      // Norms begin with ones and some biases with zeros: who mixed them up would not be noticed.
      for (float& v : values) v += random.uniform(-0.1f, 0.1f);
      std::vector<std::size_t> shape(info.shape.rank);
      for (std::size_t i = 0; i < shape.size(); ++i) shape[i] = info.shape[i];
      layer.more.push_back({std::string(name), std::move(shape), std::move(values)});
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
  for (std::size_t step = 0; step < w.checked_calls(); ++step) {
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
  w.channels = dims[dims.rank == 2 ? 1 : 0];
  if constexpr (dims.rank == 2) w.sequence = dims[0];
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

const Floats* Layer::find(std::string_view parameter) const {
  if (parameter == "weight" && !weight.empty()) return &weight;
  if (parameter == "bias" && !bias.empty()) return &bias;
  const auto found = std::ranges::find(more, parameter, &Parameter::name);
  return found == more.end() ? nullptr : &found->values;
}

std::size_t Workload::checked_calls() const {
  return loss != Loss::none ? 5 : std::max<std::size_t>(stream, 1);
}

const Floats& Workload::parameter(std::string_view path) const {
  for (const Layer& layer : layers) {
    if (!belongs(path, layer)) continue;
    if (const Floats* found = layer.find(path.substr(layer.name.size() + 1))) return *found;
  }
  throw std::out_of_range(name + ": no parameter " + std::string(path));
}

bool Workload::is_chain() const {
  return stream == 0 && sequence == 1 && std::ranges::all_of(layers, [](const Layer& l) {
    const bool known =
        l.kind == Kind::linear || l.kind == Kind::conv2d || l.kind == Kind::max_pool2d;
    return known && l.stride == 1 && l.padding == 0 && !l.from && !l.plus;
  });
}

const std::vector<Workload>& workloads() {
  static const auto all = [] {
    std::vector<Workload> made;
    for_each_network([&](auto row) { made.push_back(make_workload(row)); });
    add_sequences(made);
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
