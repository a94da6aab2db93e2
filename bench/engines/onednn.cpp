// SPDX-License-Identifier: BSL-1.0
// oneDNN 2: primitives made once for inference, activations fused into them, weights in the layout
// that each primitive asks for.
#include <omp.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "../engine.hpp"
#include "choose.hpp"

namespace bench {

namespace {

using dnnl::memory;
using Dims = memory::dims;
using Desc = memory::desc;
using Tag = memory::format_tag;

/// The library takes as many threads as OpenMP has for the calling thread.
const dnnl::engine& cpu() {
  static const dnnl::engine engine = [] {
    omp_set_num_threads(1);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

memory::dim dim(std::size_t n) { return static_cast<memory::dim>(n); }

Desc desc(const Dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

Desc row_major(const Dims& dims) {
  constexpr std::array tags = {Tag::a, Tag::ab, Tag::abc, Tag::abcd};
  return desc(dims, tags.at(dims.size() - 1));
}

Desc any_layout(const Dims& dims) { return desc(dims, Tag::any); }

/// The caller's numbers as they are. A memory has no const, even if it is only read.
memory view(const Floats& v, const Desc& desc) {
  return memory(desc, cpu(), const_cast<float*>(v.data()));
}

using Arguments = std::initializer_list<std::pair<int, memory>>;

/// A primitive bound to its arguments: through the C interface, since the C++ one allocates a map
/// or a vector at each call.
class Step {
 public:
  Step(dnnl::primitive primitive, Arguments arguments) : primitive_(std::move(primitive)) {
    for (const auto& [index, m] : arguments) {
      kept_.push_back(m);
      arguments_.push_back({index, m.get()});
    }
  }
  void run(const dnnl::stream& stream) const {
    const auto status = dnnl_primitive_execute(
        primitive_.get(), stream.get(), static_cast<int>(arguments_.size()), arguments_.data());
    if (status != dnnl_success) throw std::runtime_error("oneDNN: a primitive failed");
  }

 private:
  dnnl::primitive primitive_;
  std::vector<memory> kept_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

/// Where the library offers two ways, and which is faster depends on shapes and machine.
struct Choice {
  /// Layers with flat inputs as matmul, else as inner product.
  bool dense_as_matmul = false;
  /// Channels in blocks of one vector after each convolution, whatever it would ask for itself.
  bool blocked_images = false;
};

class Network {
 public:
  Network(const Workload& w, const Choice& choice)
      : choice_(choice), stream_(cpu()), result_(w.batch * w.outputs) {
    Dims dims = {dim(w.batch), dim(w.channels), dim(w.height), dim(w.width)};
    if (w.height * w.width == 1) dims.resize(2);
    const memory input = view(w.x, row_major(dims));
    for (const Layer& layer : w.layers) {
      const memory& before = outputs_.empty() ? input : outputs_.back();
      outputs_.push_back(add(layer, layer.from ? outputs_[*layer.from] : before, w));
    }
  }

  void run() {
    for (const Step& step : steps_) step.run(stream_);
    stream_.wait();
  }
  std::span<const float> output() const { return result_; }

 private:
  memory add(const Layer& layer, const memory& x, const Workload& w) {
    switch (layer.kind) {
      case Kind::linear: return linear(layer, x, &layer == &w.layers.back());
      case Kind::conv2d: return convolution(layer, x, &layer == &w.layers.front());
      default: return pool(layer, x);
    }
  }

  static dnnl::primitive_attr followed_by(Activation activation, bool plus = false) {
    dnnl::post_ops after;
    if (plus) after.append_sum(1);
    if (activation == Activation::relu) {
      after.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    } else if (activation == Activation::tanh) {
      after.append_eltwise(1, dnnl::algorithm::eltwise_tanh, 0, 0);
    }
    dnnl::primitive_attr attributes;  // scratchpad of the library: the user's own is slower
    attributes.set_post_ops(after);
    return attributes;
  }

  /// `x` in another layout, by a step of its own if it is not there yet.
  memory arranged(const memory& x, const Desc& wanted) {
    if (x.get_desc() == wanted) return x;
    memory to(wanted, cpu());
    steps_.emplace_back(dnnl::reorder(x, to), Arguments{{DNNL_ARG_FROM, x}, {DNNL_ARG_TO, to}});
    return to;
  }

  /// Weights in the layout `wanted`, rearranged here and now.
  memory constant(const Floats& v, const Desc& given, const Desc& wanted) {
    memory from = view(v, given);
    memory to(wanted, cpu());
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    return to;
  }

  /// Writes to `y`, or to a memory of its own.
  template <class Primitive>
  memory weighted(const typename Primitive::primitive_desc& chosen, const memory& x,
                  const Layer& layer, const Desc& weight, const Desc& bias,
                  std::optional<memory> y) {
    if (!y) y = memory(chosen.dst_desc(), cpu());
    const memory source = arranged(x, chosen.src_desc());
    steps_.emplace_back(
        Primitive(chosen),
        Arguments{{DNNL_ARG_SRC, source},
                  {DNNL_ARG_WEIGHTS, constant(layer.weight, weight, chosen.weights_desc())},
                  {DNNL_ARG_BIAS, constant(layer.bias, bias, chosen.bias_desc())},
                  {DNNL_ARG_DST, *y}});
    return *y;
  }

  std::optional<memory> result(bool last, const Desc& y) {
    return last ? std::optional(view(result_, y)) : std::nullopt;
  }

  /// An inner product takes images as they come, with weights [out, channels, height, width].
  memory linear(const Layer& layer, const memory& x, bool last) {
    const Desc x_desc = x.get_desc();
    Dims weight = x_desc.dims();
    if (choice_.dense_as_matmul && weight.size() == 2) return product(layer, x, last);
    const Desc y = row_major({weight[0], dim(layer.out)});
    const Desc bias = row_major({dim(layer.out)});
    weight[0] = dim(layer.out);
    const dnnl::inner_product_forward::desc wanted(dnnl::prop_kind::forward_inference, x_desc,
                                                   any_layout(weight), bias, y);
    return weighted<dnnl::inner_product_forward>({wanted, followed_by(layer.activation), cpu()}, x,
                                                 layer, row_major(weight), bias, result(last, y));
  }

  memory product(const Layer& layer, const memory& x, bool last) {
    const Dims weight = {dim(layer.in), dim(layer.out)};
    const Desc bias = row_major({1, dim(layer.out)});
    const Desc y = row_major({x.get_desc().dims()[0], dim(layer.out)});
    const dnnl::matmul::desc wanted(x.get_desc(), any_layout(weight), bias, y);
    return weighted<dnnl::matmul>({wanted, followed_by(layer.activation), cpu()}, x, layer,
                                  desc(weight, Tag::ba), bias, result(last, y));
  }

  /// What is added to y lies where y comes to lie, as nobody else reads it any more.
  memory convolution(const Layer& layer, const memory& x, bool first) {
    const Dims d = x.get_desc().dims();
    const auto window = dim(layer.window), stride = dim(layer.stride), padding = dim(layer.padding);
    const auto along = [&](memory::dim n) { return (n + 2 * padding - window) / stride + 1; };
    const Dims weight = {dim(layer.out), dim(layer.in), window, window};
    const Desc bias = row_major({dim(layer.out)});
    std::optional<memory> y;
    if (layer.plus) y = outputs_[*layer.plus];
    const Desc y_desc =
        y ? y->get_desc() : desc({d[0], dim(layer.out), along(d[2]), along(d[3])}, image_tag());
    // x row-major, as it is: left to choose, the library goes channels last: a fifth slower.
    const dnnl::convolution_forward::desc wanted(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
        first ? x.get_desc() : any_layout(d), any_layout(weight), bias, y_desc, {stride, stride},
        {padding, padding}, {padding, padding});
    return weighted<dnnl::convolution_forward>(
        {wanted, followed_by(layer.activation, layer.plus.has_value()), cpu()}, x, layer,
        row_major(weight), bias, y);
  }

  Tag image_tag() const {
    if (!choice_.blocked_images) return Tag::any;
    const bool avx512 = (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) &
                         static_cast<unsigned>(dnnl::cpu_isa::avx512_core)) ==
                        static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
    return avx512 ? Tag::nChw16c : Tag::nChw8c;
  }

  memory pool(const Layer& layer, const memory& x) {
    const Dims d = x.get_desc().dims();
    const bool global = layer.kind == Kind::global_avg_pool2d;
    const auto height = global ? d[2] : dim(layer.window);
    const auto width = global ? d[3] : dim(layer.window);
    const auto how = global ? dnnl::algorithm::pooling_avg : dnnl::algorithm::pooling_max;
    const dnnl::pooling_forward::desc wanted(
        dnnl::prop_kind::forward_inference, how, x.get_desc(),
        any_layout({d[0], d[1], d[2] / height, d[3] / width}), {height, width}, {height, width},
        {0, 0}, {0, 0});
    const dnnl::pooling_forward::primitive_desc chosen(wanted, cpu());
    const memory y(chosen.dst_desc(), cpu());
    steps_.emplace_back(dnnl::pooling_forward(chosen),
                        Arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
    return y;
  }

  Choice choice_;
  dnnl::stream stream_;
  Floats result_;
  std::vector<Step> steps_;
  std::vector<memory> outputs_;  ///< of the layers
};

/// Both factors as the caller has them, row-major.
class Matmul {
 public:
  explicit Matmul(const Product& p)
      : stream_(cpu()), result_(p.n * p.n), step_(step(p, row_major({dim(p.n), dim(p.n)}))) {}

  void run() {
    step_.run(stream_);
    stream_.wait();
  }
  std::span<const float> output() const { return result_; }

 private:
  Step step(const Product& p, const Desc& d) const {
    const dnnl::matmul::primitive_desc chosen({d, d, d}, cpu());
    return Step(dnnl::matmul(chosen), {{DNNL_ARG_SRC, view(p.a, d)},
                                       {DNNL_ARG_WEIGHTS, view(p.b, d)},
                                       {DNNL_ARG_DST, view(result_, d)}});
  }

  dnnl::stream stream_;
  Floats result_;
  Step step_;
};

class Sgemm {
 public:
  explicit Sgemm(const Product& p) : product_(p), result_(p.n * p.n) { cpu(); }

  void run() {
    const auto n = dim(product_.n);
    dnnl::sgemm('N', 'N', n, n, n, 1, product_.a.data(), n, product_.b.data(), n, 0, result_.data(),
                n);
  }
  std::span<const float> output() const { return result_; }

 private:
  const Product& product_;
  Floats result_;
};

std::unique_ptr<Job> faster(std::unique_ptr<Job> a, std::unique_ptr<Job> b) {
  return least_seconds(*b) < least_seconds(*a) ? std::move(b) : std::move(a);
}

std::unique_ptr<Job> network(const Workload& w, const Choice& choice) {
  return std::make_unique<JobOf<Network>>(w, choice);
}

}  // namespace

/// Null for training: oneDNN has the backward primitives, but no loss and no optimiser.
std::unique_ptr<Job> onednn_network(const Workload& w) {
  if (w.loss != Loss::none || w.sequence > 1 || w.stream > 0) return nullptr;
  std::unique_ptr<Job> job = faster(network(w, {false, false}), network(w, {true, false}));
  if (w.height * w.width == 1) return job;
  return faster(std::move(job), faster(network(w, {false, true}), network(w, {true, true})));
}

std::unique_ptr<Job> onednn_product(const Product& p) {
  return faster(std::make_unique<JobOf<Matmul>>(p), std::make_unique<JobOf<Sgemm>>(p));
}

}  // namespace bench
