// SPDX-License-Identifier: BSL-1.0
// What a workload has to compute and to read, whoever does it.
#include <algorithm>
#include <vector>

#include "limits.hpp"

namespace bench {

namespace {

/// Of one input.
struct Work {
  double flops = 0;           ///< of products; a multiply-add counts as two
  double to_input_flops = 0;  ///< what the gradient of the network's own input would take
  double tanhs = 0, exps = 0;
  double weights = 0;
};

struct Size {
  std::size_t height, width;
  double pixels() const { return static_cast<double>(height * width); }
};

std::size_t behind_window(const Layer& l, std::size_t n) {
  return (n + 2 * l.padding - l.window) / l.stride + 1;
}

Size size_behind(const Layer& l, Size x) {
  switch (l.kind) {
    case Kind::conv2d: return {behind_window(l, x.height), behind_window(l, x.width)};
    case Kind::max_pool2d: return {x.height / l.window, x.width / l.window};
    default: return {1, 1};
  }
}

/// Pairs of a place of the window along an axis of n pixels and a tap that is not on padding:
/// nobody has to multiply with zeros.
double taps_inside(const Layer& l, std::size_t n) {
  std::size_t inside = 0;
  for (std::size_t place = 0; place < behind_window(l, n); ++place) {
    for (std::size_t tap = 0; tap < l.window; ++tap) {
      const std::size_t at = place * l.stride + tap;
      inside += at >= l.padding && at < n + l.padding ? 1 : 0;
    }
  }
  return static_cast<double>(inside);
}

/// Rows of all matrices times their columns.
double matrix_elements(const Layer& layer) {
  auto elements = static_cast<double>(layer.weight.size());
  for (const Parameter& p : layer.more) {
    if (p.shape.size() > 1) elements += static_cast<double>(p.values.size());
  }
  return elements;
}

double parameters_of(const Layer& layer) {
  std::size_t floats = layer.weight.size() + layer.bias.size();
  for (const Parameter& p : layer.more) floats += p.values.size();
  return static_cast<double>(floats);
}

double multiply_adds(const Layer& layer, Size x, double positions) {
  if (layer.kind != Kind::conv2d) return positions * matrix_elements(layer);
  const auto channels = static_cast<double>(layer.in * layer.out);
  return channels * taps_inside(layer, x.height) * taps_inside(layer, x.width);
}

/// `positions`: in a sequence, or pixels behind the layer.
Work work_of(const Layer& layer, Size x, double positions) {
  const auto out = static_cast<double>(layer.out);
  Work work{.flops = 2 * multiply_adds(layer, x, positions), .weights = parameters_of(layer)};
  work.to_input_flops = work.flops;
  if (layer.activation == Activation::tanh) work.tanhs = positions * out;
  if (layer.kind == Kind::encoder) {
    const double scores = positions * positions;
    work.flops += 2 * 2 * scores * static_cast<double>(layer.in);  // q k, and their weights times v
    work.exps = static_cast<double>(layer.heads) * scores;
  }
  if (layer.kind == Kind::wavenet_array) {
    work.tanhs = positions * static_cast<double>(layer.stages) * out;
    if (layer.head == 1) work.flops -= 2 * positions * out * out;  // the last 1x1 leads nowhere
  }
  if (layer.kind == Kind::lstm || layer.kind == Kind::gru) {
    work.to_input_flops = 2 * positions * static_cast<double>(layer.find("weight_ih_l0")->size());
    work.tanhs = (layer.kind == Kind::lstm ? 5 : 3) * positions * out;  // gates, and tanh c
  }
  return work;
}

Work work_of(const Workload& w) {
  Work all;
  std::vector<Size> sizes;
  for (const Layer& layer : w.layers) {
    const Size before = sizes.empty() ? Size{w.height, w.width} : sizes.back();
    const Size x = layer.from ? sizes[*layer.from] : before;
    sizes.push_back(size_behind(layer, x));
    const double positions = static_cast<double>(w.sequence) * sizes.back().pixels();
    const Work work = work_of(layer, x, positions);
    if (&layer == &w.layers.front()) all.to_input_flops = work.to_input_flops;
    all.flops += work.flops;
    all.tanhs += work.tanhs;
    all.exps += work.exps;
    all.weights += work.weights;
  }
  return all;
}

double read_seconds(double bytes, const Limits& l) {
  return bytes / (bytes <= 32e3 ? l.l1 : bytes <= 1e6 ? l.l2 : l.l3);
}

}  // namespace

double limit(const Workload& w, const Limits& l) {
  const Work work = work_of(w);
  const auto batch = static_cast<double>(w.batch);
  const double functions = batch * (work.tanhs / l.tanh + work.exps / l.exp);
  if (w.loss == Loss::none) {
    return std::max(batch * work.flops / l.flops + functions, read_seconds(4 * work.weights, l));
  }
  // Backward: the gradient of the weights, and of all inputs but the network's own.
  const double arithmetic = batch * (3 * work.flops - work.to_input_flops) / l.flops;
  // Adam reads parameters, gradients and two moments; writing them back is not counted.
  return std::max(arithmetic + functions, read_seconds(4 * 4 * work.weights, l));
}

double limit(const Product& p, const Limits& l) {
  const auto n = static_cast<double>(p.n);
  return 2 * n * n * n / l.flops;
}

}  // namespace bench
