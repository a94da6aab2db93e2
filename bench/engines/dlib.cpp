// SPDX-License-Identifier: BSL-1.0
// dlib: networks that are C++ types, like etch's, over kernels and a BLAS chosen at run time. Steps
// are made by hand, as dnn_trainer works in threads.
#include <dlib/dnn.h>
#include <dlib/matrix.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "../engine.hpp"

namespace bench {

namespace {

using Image = dlib::matrix<float>;

// ---- the networks -------------------------------------------------------------------------------

template <long channels, class Below>
using Conv5 = dlib::add_layer<dlib::con_<channels, 5, 5, 1, 1, 0, 0>, Below>;  // no padding
template <class Below> using Pool2 = dlib::max_pool<2, 2, 2, 2, Below>;
using Input = dlib::input<Image>;

using Mlp = dlib::fc<10, dlib::relu<dlib::fc<64, dlib::relu<dlib::fc<128, Input>>>>>;
template <template <class> class Act>
using Policy = dlib::fc<4, Act<dlib::fc<64, Act<dlib::fc<64, Input>>>>>;
using LeNetImages = Pool2<dlib::relu<Conv5<16, Pool2<dlib::relu<Conv5<6, Input>>>>>>;
using LeNet = dlib::fc<10, dlib::relu<dlib::fc<84, dlib::relu<dlib::fc<120, LeNetImages>>>>>;

/// The mean over batch and outputs. dlib's own sums over the outputs, has half of the gradient, and
/// copies a matrix for every sample.
class MeanSquares {
 public:
  using training_label_type = float;
  using output_label_type = float;

  template <class Subnet>
  double compute_loss_value_and_gradient(const dlib::tensor&, const float* truth,
                                         Subnet& sub) const {
    const dlib::tensor& output = sub.get_output();
    const float* y = output.host();
    float* gradient = sub.get_gradient_input().host_write_only();
    const auto n = static_cast<float>(output.size());
    float sum = 0;
    for (std::size_t i = 0; i < output.size(); ++i) {
      const float difference = y[i] - truth[i];
      gradient[i] = difference * (2 / n);
      sum += difference * difference;
    }
    return static_cast<double>(sum / n);
  }
};

// ---- weights and inputs -------------------------------------------------------------------------

/// dlib keeps [in, out] and then the biases; of convolutions [out, in, window, window].
void set_parameters(dlib::tensor& to, const Layer& layer) {
  float* p = to.host();
  if (layer.kind == Kind::conv2d) {
    p = std::ranges::copy(layer.weight, p).out;
  } else {
    for (std::size_t i = 0; i < layer.in; ++i) {
      for (std::size_t o = 0; o < layer.out; ++o) *p++ = layer.weight[o * layer.in + i];
    }
  }
  std::ranges::copy(layer.bias, p);
}

/// dlib counts layers from the output.
template <class Net> void load(Net& net, const Workload& w) {
  auto layer = w.layers.rbegin();
  dlib::visit_layer_parameters(net, [&](std::size_t, dlib::tensor& to) {
    if (to.size() == 0) return;
    while (layer->kind == Kind::max_pool2d) ++layer;
    set_parameters(to, *layer++);
  });
}

/// A batch as a tensor. dlib has none over a caller's memory, so it has to be copied.
class Batch {
 public:
  /// Sizes the network too, which dlib does when it first runs.
  template <class Net> Batch(const Workload& w, Net& net) : x_(w.x) {
    const bool flat = w.height * w.width == 1;
    const std::size_t rows = flat ? 1 : w.height, columns = flat ? w.channels : w.width;
    Image blank(static_cast<long>(rows), static_cast<long>(columns));
    blank = 0;
    const std::vector<Image> images(w.batch, blank);
    net.to_tensor(images.begin(), images.end(), tensor_);
    net.forward(tensor_);
  }
  const dlib::tensor& read() {
    std::ranges::copy(x_, tensor_.host_write_only());
    return tensor_;
  }

 private:
  std::span<const float> x_;
  dlib::resizable_tensor tensor_;
};

// ---- the engines --------------------------------------------------------------------------------

template <class Net> class DlibInference {
 public:
  explicit DlibInference(const Workload& w) : batch_(w, net_) { load(net_, w); }
  void run() { net_.forward(batch_.read()); }
  std::span<const float> output() const {
    const dlib::tensor& y = net_.get_output();
    return {y.host(), y.size()};
  }

 private:
  Net net_;
  Batch batch_;
};

template <class Net, class LossLayer> class DlibTraining {
  using Whole = dlib::add_loss_layer<LossLayer, Net>;

 public:
  explicit DlibTraining(const Workload& w) : workload_(w), batch_(w, net_) { reset(); }
  void reset() {
    load(net_, workload_);
    solvers_.assign(Whole::num_computational_layers, dlib::adam(0, 0.9f, 0.999f));
  }
  void run() {
    loss_ = static_cast<float>(net_.compute_parameter_gradients(batch_.read(), truth()));
    net_.update_parameters(solvers_, 1e-3);
  }
  std::span<const float> output() const { return {&loss_, 1}; }

 private:
  auto truth() const {
    if constexpr (std::is_same_v<LossLayer, MeanSquares>) {
      return workload_.target.data();
    } else {
      return workload_.labels.data();
    }
  }

  const Workload& workload_;
  Whole net_;
  Batch batch_;
  std::vector<dlib::adam> solvers_;
  float loss_ = 0;
};

template <class Net> std::unique_ptr<Job> offer(const Workload& w) {
  switch (w.loss) {
    case Loss::none: return std::make_unique<JobOf<DlibInference<Net>>>(w);
    case Loss::mse: return std::make_unique<JobOf<DlibTraining<Net, MeanSquares>>>(w);
    case Loss::cross_entropy:
      return std::make_unique<JobOf<DlibTraining<Net, dlib::loss_multiclass_log_>>>(w);
  }
  return nullptr;
}

/// Whether the dense layers and the convolutions put out what the type says.
bool has_outputs(const Workload& w, const std::vector<std::size_t>& outputs) {
  std::vector<std::size_t> found;
  for (const Layer& layer : w.layers) {
    if (layer.kind != Kind::max_pool2d) found.push_back(layer.out);
  }
  return found == outputs;
}

class DlibProduct {
 public:
  explicit DlibProduct(const Product& p) : product_(p), c_(size(), size()) {}
  void run() {
    // Views, whose product dlib hands to the BLAS as it stands.
    const long n = size();
    c_ = dlib::mat(product_.a.data(), n, n) * dlib::mat(product_.b.data(), n, n);
  }
  std::span<const float> output() const {
    return {&c_(0, 0), static_cast<std::size_t>(c_.size())};
  }

 private:
  long size() const { return static_cast<long>(product_.n); }

  const Product& product_;
  Image c_;
};

}  // namespace

std::unique_ptr<Job> dlib_network(const Workload& w) {
  if (has_outputs(w, {128, 64, 10})) return offer<Mlp>(w);
  if (has_outputs(w, {6, 16, 120, 84, 10})) return offer<LeNet>(w);
  if (!has_outputs(w, {64, 64, 4})) return nullptr;
  if (w.layers.front().activation == Activation::tanh) return offer<Policy<dlib::htan>>(w);
  return offer<Policy<dlib::relu>>(w);
}

std::unique_ptr<Job> dlib_product(const Product& p) {
  return std::make_unique<JobOf<DlibProduct>>(p);
}

}  // namespace bench
