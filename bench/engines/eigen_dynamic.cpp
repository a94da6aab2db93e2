// SPDX-License-Identifier: BSL-1.0
// By hand on Eigen's matrices of dynamic size: any network, its layers in a list.
#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "eigen_common.hpp"

namespace bench {

namespace {

using ::Eigen::Dynamic;
using ::Eigen::Map;
using ::Eigen::Matrix;
using ::Eigen::MatrixXf;
using ::Eigen::VectorXf;
using eigen::Index;
using Input = ::Eigen::Ref<const MatrixXf>;

Index index(std::size_t n) { return static_cast<Index>(n); }

Map<const MatrixXf> inputs_of(const Workload& w) {
  return {w.x.data(), index(w.inputs()), index(w.batch)};
}

// --- inference ---

/// Of a sample, which is a column: its features are [channel, row, column].
struct Image {
  Index channels, height, width;
  Index plane() const { return height * width; }
};

class Step {
 public:
  Step(const Image& y, std::size_t batch) : y_(y.channels * y.plane(), index(batch)) {}
  virtual ~Step() = default;
  virtual void run(const Input& x) = 0;
  const MatrixXf& y() const { return y_; }

 protected:
  MatrixXf y_;
};

/// Either order of the weight has its kernel for one sample. By columns is the faster one unless a
/// column is less than a vector.
template <int order> class Dense final : public Step {
 public:
  Dense(const Layer& layer, std::size_t batch)
      : Step({index(layer.out), 1, 1}, batch),
        weight_(eigen::weight_of(layer)),
        bias_(eigen::bias_of(layer)),
        activation_(layer.activation) {}

  void run(const Input& x) override {
    y_.colwise() = bias_;
    if (x.cols() == 1) {
      y_.col(0).noalias() += weight_ * x.col(0);
    } else {
      y_.noalias() += weight_ * x;
    }
    eigen::activate(y_, activation_);
  }

 private:
  Matrix<float, Dynamic, Dynamic, order> weight_;
  VectorXf bias_;
  Activation activation_;
};

/// im2col with a column for each tap of the window, so that what is copied are rows of the image,
/// and what comes out has the channels one after another.
class Convolution final : public Step {
 public:
  Convolution(const Layer& layer, const Image& from, const Image& to, std::size_t batch)
      : Step(to, batch),
        from_(from),
        to_(to),
        window_(index(layer.window)),
        filters_(eigen::weight_of(layer).transpose()),
        bias_(eigen::bias_of(layer)),
        activation_(layer.activation),
        columns_(to.plane(), filters_.rows()) {}

  void run(const Input& x) override {
    for (Index i = 0; i < x.cols(); ++i) {
      gather(x.col(i).data());
      Map<MatrixXf> y(y_.col(i).data(), to_.plane(), to_.channels);
      y.rowwise() = bias_;
      y.noalias() += columns_ * filters_;
      eigen::activate(y, activation_);
    }
  }

 private:
  void gather(const float* x) {
    Index column = 0;
    for (Index c = 0; c < from_.channels; ++c) {
      for (Index tap = 0; tap < window_ * window_; ++tap, ++column) {
        const Index row = c * from_.height + tap / window_;
        copy(x + row * from_.width + tap % window_, from_.width, columns_.col(column).data(),
             to_.height, to_.width);
      }
    }
  }

  /// A block of the image. Copies of any size have a prologue, and rows are too short for that.
  static void copy(const float* x, Index stride, float* y, Index height, Index width) {
    using Eight = ::Eigen::Array<float, 8, 1>;
    for (Index row = 0; row < height; ++row, x += stride, y += width) {
      Index i = 0;
      for (; i + 8 <= width; i += 8) Map<Eight>(y + i) = Map<const Eight>(x + i);
      for (; i < width; ++i) y[i] = x[i];
    }
  }

  Image from_, to_;
  Index window_;
  MatrixXf filters_;
  ::Eigen::RowVectorXf bias_;
  Activation activation_;
  MatrixXf columns_;
};

/// Of 2 by 2, and of images with an even number of rows and columns: known steps, and all channels
/// as one image.
class MaxPool final : public Step {
 public:
  MaxPool(const Image& from, const Image& to, std::size_t batch)
      : Step(to, batch), width_(from.width), pooled_{to.width, to.channels * to.height} {}

  void run(const Input& x) override {
    for (Index i = 0; i < x.cols(); ++i) {
      const float* from = x.col(i).data();
      Map<MatrixXf>(y_.col(i).data(), pooled_[0], pooled_[1]) =
          every_second(from)
              .cwiseMax(every_second(from + 1))
              .cwiseMax(every_second(from + width_).cwiseMax(every_second(from + width_ + 1)));
    }
  }

 private:
  using Stride = ::Eigen::Stride<Dynamic, 2>;
  Map<const MatrixXf, 0, Stride> every_second(const float* x) const {
    return {x, pooled_[0], pooled_[1], Stride(2 * width_, 2)};
  }

  Index width_;
  std::array<Index, 2> pooled_;
};

class Inference {
 public:
  explicit Inference(const Workload& w) : x_(inputs_of(w)) {
    Image from{index(w.channels), index(w.height), index(w.width)};
    for (const Layer& layer : w.layers) from = add(layer, from, w.batch);
  }

  void run() {
    steps_.front()->run(x_);
    for (std::size_t i = 1; i < steps_.size(); ++i) steps_[i]->run(steps_[i - 1]->y());
  }
  std::span<const float> output() const {
    const MatrixXf& y = steps_.back()->y();
    return {y.data(), static_cast<std::size_t>(y.size())};
  }

 private:
  /// Returns the shape behind the layer.
  Image add(const Layer& layer, const Image& from, std::size_t batch) {
    constexpr std::size_t vector = EIGEN_MAX_ALIGN_BYTES / sizeof(float);
    const Index out = index(layer.out), window = index(layer.window);
    switch (layer.kind) {
      case Kind::conv2d: {
        const Image to{out, from.height - window + 1, from.width - window + 1};
        steps_.push_back(std::make_unique<Convolution>(layer, from, to, batch));
        return to;
      }
      case Kind::max_pool2d: {
        const Image to{from.channels, from.height / 2, from.width / 2};
        steps_.push_back(std::make_unique<MaxPool>(from, to, batch));
        return to;
      }
      default: break;
    }
    if (layer.out < vector) {
      steps_.push_back(std::make_unique<Dense<::Eigen::RowMajor>>(layer, batch));
    } else {
      steps_.push_back(std::make_unique<Dense<::Eigen::ColMajor>>(layer, batch));
    }
    return {out, 1, 1};
  }

  Map<const MatrixXf> x_;
  std::vector<std::unique_ptr<Step>> steps_;
};

// --- training ---

class Training {
  using TrainedDense = eigen::TrainedDense<MatrixXf, VectorXf, MatrixXf>;

 public:
  explicit Training(const Workload& w) : workload_(w), layers_(w.layers.size()) { reset(); }

  void reset() {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers_[i].start(workload_.layers[i], workload_.batch);
    }
    adam_.start();
  }

  void run() {
    const auto x = inputs_of(workload_);
    layers_.front().run(x);
    for (std::size_t i = 1; i < layers_.size(); ++i) layers_[i].run(layers_[i - 1].y);
    compare(layers_.back());
    for (std::size_t i = layers_.size() - 1; i > 0; --i) {
      layers_[i].backward(layers_[i - 1].y);
      layers_[i].backward_to_input(layers_[i - 1].y_gradient);
    }
    layers_.front().backward(x);
    adam_.begin_step();
    for (TrainedDense& layer : layers_) layer.update(adam_);
  }
  std::span<const float> output() const { return {&loss_, 1}; }

 private:
  void compare(TrainedDense& last) {
    if (workload_.loss == Loss::cross_entropy) {
      loss_ = eigen::cross_entropy(last.y, workload_.labels, last.y_gradient);
    } else {
      const Map<const MatrixXf> target(workload_.target.data(), last.y.rows(), last.y.cols());
      loss_ = eigen::squared_error(last.y, target, last.y_gradient);
    }
  }

  const Workload& workload_;
  std::vector<TrainedDense> layers_;
  eigen::Adam adam_;
  float loss_ = 0;
};

// --- products ---

class Square {
 public:
  explicit Square(const Product& p)
      : a_(p.a.data(), index(p.n), index(p.n)),
        b_(p.b.data(), index(p.n), index(p.n)),
        c_(index(p.n), index(p.n)) {}

  void run() { c_.noalias() = a_ * b_; }
  std::span<const float> output() const {
    return {c_.data(), static_cast<std::size_t>(c_.size())};
  }

 private:
  Map<const eigen::RowMajor> a_, b_;
  eigen::RowMajor c_;
};

}  // namespace

std::unique_ptr<Job> eigen_dynamic_network(const Workload& w) {
  if (!w.is_chain()) return nullptr;
  if (w.loss == Loss::none) return std::make_unique<JobOf<Inference>>(w);
  const auto dense = [](const Layer& layer) { return layer.kind == Kind::linear; };
  if (!std::all_of(w.layers.begin(), w.layers.end(), dense)) return nullptr;
  return std::make_unique<JobOf<Training>>(w);
}

std::unique_ptr<Job> eigen_dynamic_product(const Product& p) {
  return std::make_unique<JobOf<Square>>(p);
}

}  // namespace bench
