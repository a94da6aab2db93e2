// SPDX-License-Identifier: BSL-1.0
// By hand on Eigen's matrices of fixed size.
#include <memory>
#include <span>
#include <string_view>

#include "eigen_common.hpp"

namespace bench {

namespace {

using ::Eigen::Map;
using ::Eigen::Matrix;
using eigen::Index;

// --- inference ---

template <int in, int out, Activation activation, int batch> class Dense {
  static constexpr bool by_rows = out % 64 != 0 && batch == 1;

 public:
  explicit Dense(const Layer& layer)
      : weight_(eigen::weight_of(layer)), bias_(eigen::bias_of(layer)) {}

  template <class X> void run(const X& x) {
    if constexpr (by_rows) {  // the call of a kernel for any size would cost more than it gains
      y_ = weight_.lazyProduct(x);
    } else {
      eigen::multiply(y_, weight_, x);
    }
    y_.colwise() += bias_;
    eigen::activate(y_, activation);
  }
  const Matrix<float, out, batch>& y() const { return y_; }

 private:
  Matrix<float, out, in, by_rows ? ::Eigen::RowMajor : ::Eigen::ColMajor> weight_;
  Matrix<float, out, 1> bias_;
  Matrix<float, out, batch> y_;
};

/// The three dense layers that every network here ends with.
template <Activation activation, int batch, int n0, int n1, int n2, int n3> class Perceptron {
 public:
  Perceptron(const Layer& first, const Layer& second, const Layer& third)
      : first_(first), second_(second), third_(third) {}

  template <class X> void run(const X& x) {
    first_.run(x);
    second_.run(first_.y());
    third_.run(second_.y());
  }
  std::span<const float> output() const { return {third_.y().data(), n3 * batch}; }

 private:
  Dense<n0, n1, activation, batch> first_;
  Dense<n1, n2, activation, batch> second_;
  Dense<n2, n3, Activation::none, batch> third_;
};

template <Activation activation, int n0, int n1, int n2, int n3> class Vectors {
 public:
  explicit Vectors(const Workload& w)
      : x_(w.x.data()), dense_(w.layers.at(0), w.layers.at(1), w.layers.at(2)) {}
  void run() { dense_.run(x_); }
  std::span<const float> output() const { return dense_.output(); }

 private:
  Map<const Matrix<float, n0, 1>> x_;
  Perceptron<activation, 1, n0, n1, n2, n3> dense_;
};

/// Convolution, ReLU and max-pool 2 over channels that lie together (`padded` of them, a vector's
/// width; `stride` floats from one input position to the next), two rows by eight positions at a
/// time in registers. Without im2col, and 1.7 times as fast.
template <int in, int stride, int padded, int extent> class Convolution {
  static constexpr int window = 5, positions = 8;
  static constexpr int convolved = extent - window + 1;

 public:
  static constexpr int pooled = convolved / 2;
  using Output = Matrix<float, padded, pooled * pooled>;

  explicit Convolution(const Layer& layer) {
    weight_.setZero();
    bias_.setZero();
    const auto weight = eigen::weight_of(layer);
    for (Index c = 0; c < in; ++c) {
      for (Index tap = 0; tap < window * window; ++tap) {
        weight_.col(tap * in + c).head(weight.rows()) = weight.col(c * window * window + tap);
      }
    }
    bias_.head(weight.rows()) = eigen::bias_of(layer);
  }

  void run(const float* x, Output& y) const {
    for (Index row = 0; row < pooled; ++row) {
      for (Index column = 0; column < pooled; column += positions / 2) {
        pool(block(x + (2 * row * extent + 2 * column) * stride), y, row * pooled + column);
      }
    }
  }

 private:
  using Block = Matrix<float, padded, 2 * positions>;

  Block block(const float* x) const {
    Block sum;
    sum.setZero();
    for (Index tap = 0; tap < window * window; ++tap) {
      const float* upper = x + (tap / window * extent + tap % window) * stride;
      for (Index c = 0; c < in; ++c, ++upper) {
        const auto weight = weight_.col(tap * in + c);
        const float* lower = upper + extent * stride;
#pragma GCC unroll 8  // else g++ leaves the sum in memory
        for (int i = 0; i < positions; ++i) {
          sum.col(i) += weight * upper[i * stride];
          sum.col(positions + i) += weight * lower[i * stride];
        }
      }
    }
    return sum;
  }

  void pool(const Block& sum, Output& y, Index at) const {
    for (Index i = 0; i < positions; i += 2) {
      const auto upper = sum.col(i).cwiseMax(sum.col(i + 1));
      const auto lower = sum.col(positions + i).cwiseMax(sum.col(positions + i + 1));
      y.col(at + i / 2) = (upper.cwiseMax(lower) + bias_).cwiseMax(0.0f);
    }
  }

  Matrix<float, padded, in * window * window> weight_;
  Matrix<float, padded, 1> bias_;
};

/// The dense layer behind the convolutions, for features [position, channel].
Layer channels_last(Layer layer, std::size_t channels) {
  const Floats weight = layer.weight;
  const std::size_t positions = layer.in / channels;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const std::size_t row = i / layer.in, feature = i % layer.in;
    const std::size_t channel = feature / positions, position = feature % positions;
    layer.weight[row * layer.in + position * channels + channel] = weight[i];
  }
  return layer;
}

template <int batch> class LeNet {
 public:
  explicit LeNet(const Workload& w)
      : x_(w.x.data()),
        first_(w.layers.at(0)),
        second_(w.layers.at(2)),
        dense_(channels_last(w.layers.at(4), 16), w.layers.at(5), w.layers.at(6)) {}

  void run() {
    for (Index i = 0; i < batch; ++i) {
      first_.run(x_ + i * 28 * 28, between_);
      second_.run(between_.data(), features_[i]);
    }
    dense_.run(Map<const Matrix<float, 256, batch>, ::Eigen::AlignedMax>(features_[0].data()));
  }
  std::span<const float> output() const { return dense_.output(); }

 private:
  using First = Convolution<1, 1, 8, 28>;
  using Second = Convolution<6, 8, 16, 12>;
  const float* x_;
  First first_;
  Second second_;
  First::Output between_;
  typename Second::Output features_[batch];
  Perceptron<Activation::relu, batch, 256, 120, 84, 10> dense_;
};

// --- training ---

template <int in, int out, int batch>
using TrainedDense = eigen::TrainedDense<Matrix<float, out, in>, Matrix<float, out, 1>,
                                         Matrix<float, out, batch>>;

template <int batch, int n0, int n1, int n2, int n3> class Training {
 public:
  explicit Training(const Workload& w) : workload_(w) { reset(); }

  void reset() {
    first_.start(workload_.layers.at(0), batch);
    second_.start(workload_.layers.at(1), batch);
    third_.start(workload_.layers.at(2), batch);
    adam_.start();
  }

  void run() {
    const Map<const Matrix<float, n0, batch>> x(workload_.x.data());
    first_.run(x);
    second_.run(first_.y);
    third_.run(second_.y);
    if (workload_.loss == Loss::cross_entropy) {
      loss_ = eigen::cross_entropy(third_.y, workload_.labels, third_.y_gradient);
    } else {
      const Map<const Matrix<float, n3, batch>> target(workload_.target.data());
      loss_ = eigen::squared_error(third_.y, target, third_.y_gradient);
    }
    third_.backward(second_.y);
    third_.backward_to_input(second_.y_gradient);
    second_.backward(first_.y);
    second_.backward_to_input(first_.y_gradient);
    first_.backward(x);
    adam_.begin_step();
    third_.update(adam_);
    second_.update(adam_);
    first_.update(adam_);
  }
  std::span<const float> output() const { return {&loss_, 1}; }

 private:
  const Workload& workload_;
  TrainedDense<n0, n1, batch> first_;
  TrainedDense<n1, n2, batch> second_;
  TrainedDense<n2, n3, batch> third_;
  eigen::Adam adam_;
  float loss_ = 0;
};

// --- products ---

template <int n> class Square {
 public:
  explicit Square(const Product& p) : a_(p.a.data()), b_(p.b.data()) {}

  /// All is row-major, and so what is in columns is the transpose: c^T = b^T a^T.
  void run() { eigen::multiply(c_, b_, a_); }
  std::span<const float> output() const { return {c_.data(), n * n}; }

 private:
  Map<const Matrix<float, n, n>> a_, b_;
  Matrix<float, n, n> c_;
};

}  // namespace

std::unique_ptr<Job> eigen_fixed_network(const Workload& w) {
  constexpr Activation relu = Activation::relu, tanh = Activation::tanh;
  const std::string_view name = w.name;
  if (name == "mlp_784_128_64_10") {
    return std::make_unique<JobOf<Vectors<relu, 784, 128, 64, 10>>>(w);
  }
  if (name == "policy_16_64_64_4_tanh") {
    return std::make_unique<JobOf<Vectors<tanh, 16, 64, 64, 4>>>(w);
  }
  if (name.starts_with("policy_16_64_64_4_relu")) {
    return std::make_unique<JobOf<Vectors<relu, 16, 64, 64, 4>>>(w);
  }
  if (name == "lenet") return std::make_unique<JobOf<LeNet<1>>>(w);
  if (name == "lenet_b32") return std::make_unique<JobOf<LeNet<32>>>(w);
  if (name == "train_mlp_b32") {
    return std::make_unique<JobOf<Training<32, 784, 128, 64, 10>>>(w);
  }
  if (name == "train_policy_b32") {
    return std::make_unique<JobOf<Training<32, 16, 64, 64, 4>>>(w);
  }
  return nullptr;
}

std::unique_ptr<Job> eigen_fixed_product(const Product& p) {
  if (p.n == 16) return std::make_unique<JobOf<Square<16>>>(p);
  if (p.n == 32) return std::make_unique<JobOf<Square<32>>>(p);
  if (p.n == 64) return std::make_unique<JobOf<Square<64>>>(p);
  return nullptr;
}

}  // namespace bench
