// SPDX-License-Identifier: BSL-1.0
#pragma once

// Matrices of 400 KB are members of engines on the heap, and the panels that a product packs may as
// well go on the stack: this limit is in the way of both.
#define EIGEN_STACK_ALLOCATION_LIMIT (4 << 20)
#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../engine.hpp"

// What the engines on Eigen share: Adam, the losses and the activations, for any type of matrix.
// A sample is a column, and so a matrix of samples has the layout of a workload's x.

namespace bench::eigen {

using ::Eigen::Index;
using RowMajor = ::Eigen::Matrix<float, ::Eigen::Dynamic, ::Eigen::Dynamic, ::Eigen::RowMajor>;

inline ::Eigen::Map<const RowMajor> weight_of(const Layer& layer) {
  const auto rows = static_cast<Index>(layer.out);
  return {layer.weight.data(), rows, static_cast<Index>(layer.weight.size()) / rows};
}

inline ::Eigen::Map<const ::Eigen::VectorXf> bias_of(const Layer& layer) {
  return {layer.bias.data(), static_cast<Index>(layer.out)};
}

// --- layers ---

/// y = a b. Where whole vectors make up a column, a tile of y is added up in registers, column by
/// column of a: nothing is packed, which at these sizes beats the library's own product.
template <class Y, class A, class B> void multiply(Y& y, const A& a, const B& b) {
  constexpr int height = Y::RowsAtCompileTime, width = Y::ColsAtCompileTime;
  constexpr bool fits = width == 1 || EIGEN_MAX_ALIGN_BYTES == 64;  // with 32 registers of AVX-512
  if constexpr (fits && height % 16 == 0 && !(A::Flags & ::Eigen::RowMajorBit)) {
    constexpr int rows = height % 64 == 0 ? 64 : height % 32 == 0 ? 32 : 16;
    constexpr int cols = std::min(rows == 64 ? 4 : 8, width);
    static_assert(width % cols == 0);
    for (Index i = 0; i < height; i += rows) {
      for (Index j = 0; j < width; j += cols) {
        ::Eigen::Matrix<float, rows, cols> tile;
        tile.setZero();
        for (Index k = 0; k < a.cols(); ++k) {
          const auto column = a.col(k).template segment<rows>(i);
#pragma GCC unroll 8  // else g++ leaves the tile in memory
          for (int c = 0; c < cols; ++c) tile.col(c) += column * b(k, j + c);
        }
        y.template block<rows, cols>(i, j) = tile;
      }
    }
  } else {
    y.noalias() = a * b;
  }
}

template <class Y> void activate(Y& y, Activation activation) {
  if (activation == Activation::relu) y = y.cwiseMax(0.0f);
  if (activation == Activation::tanh) y.array() = y.array().tanh();
}

/// Takes a gradient through the activation that gave y.
template <class G, class Y> void differentiate(G& gradient, const Y& y, Activation activation) {
  if (activation == Activation::relu) {
    gradient = (y.array() > 0.0f).select(gradient.array(), 0.0f).matrix();
  }
  if (activation == Activation::tanh) gradient.array() *= 1.0f - y.array().square();
}

// --- losses ---

/// Mean over the samples; `gradient` is that of the logits.
template <class Y, class G>
float cross_entropy(const Y& logits, const std::vector<std::uint32_t>& labels, G& gradient) {
  const Index batch = logits.cols();
  float loss = 0;
  for (Index i = 0; i < batch; ++i) {
    gradient.col(i).array() = logits.col(i).array() - logits.col(i).maxCoeff();
    loss -= gradient(labels[static_cast<std::size_t>(i)], i);
  }
  gradient = gradient.array().exp().matrix();  // all at once: one sample is no whole vector
  const float share = 1.0f / static_cast<float>(batch);
  for (Index i = 0; i < batch; ++i) {
    const float sum = gradient.col(i).sum();
    loss += std::log(sum);
    gradient.col(i) *= share / sum;
    gradient(labels[static_cast<std::size_t>(i)], i) -= share;
  }
  return loss * share;
}

/// Mean over samples and outputs.
template <class Y, class T, class G>
float squared_error(const Y& outputs, const T& target, G& gradient) {
  const float share = 1.0f / static_cast<float>(outputs.size());
  gradient = outputs - target;
  const float loss = gradient.squaredNorm() * share;
  gradient *= 2 * share;
  return loss;
}

// --- training ---

template <class M> struct Parameter {
  M value, gradient;
  M first, second;  ///< moments

  template <class X> void start(const X& x) {
    value = x;
    gradient.setZero(value.rows(), value.cols());
    first.setZero(value.rows(), value.cols());
    second.setZero(value.rows(), value.cols());
  }
};

class Adam {
 public:
  void start() { power1_ = power2_ = 1; }

  void begin_step() {
    power1_ *= 0.9;
    power2_ *= 0.999;
    rate_ = static_cast<float>(1e-3 / (1 - power1_));
    scale_ = static_cast<float>(1 / std::sqrt(1 - power2_));
  }

  /// Three expressions, and so three loops: over a block that stays in the first-level cache, lest
  /// the moments come from further away more than once.
  template <class M> void update(Parameter<M>& p) const {
    constexpr Index block = 512;
    const Index size = p.value.size();
    for (Index i = 0; i < size; i += block) {
      const Index count = std::min(block, size - i);
      using Array = ::Eigen::Map<::Eigen::ArrayXf>;
      const Array g(p.gradient.data() + i, count);
      Array m(p.first.data() + i, count), v(p.second.data() + i, count);
      Array w(p.value.data() + i, count);
      m += 0.1f * (g - m);
      v += 0.001f * (g.square() - v);
      w -= rate_ * m / (v.sqrt() * scale_ + 1e-8f);
    }
  }

 private:
  double power1_ = 1, power2_ = 1;
  float rate_ = 0, scale_ = 0;
};

template <class Weight, class Bias, class Samples> class TrainedDense {
 public:
  void start(const Layer& layer, std::size_t batch) {
    activation_ = layer.activation;
    weight_.start(weight_of(layer));
    bias_.start(bias_of(layer));
    y.setZero(weight_.value.rows(), static_cast<Index>(batch));
    y_gradient = y;
  }

  template <class X> void run(const X& x) {
    multiply(y, weight_.value, x);
    y.colwise() += bias_.value;
    activate(y, activation_);
  }

  template <class X> void backward(const X& x) {
    differentiate(y_gradient, y, activation_);
    multiply(weight_.gradient, y_gradient, x.transpose());
    bias_.gradient = y_gradient.rowwise().sum();
  }
  template <class G> void backward_to_input(G& x_gradient) const {
    multiply(x_gradient, weight_.value.transpose(), y_gradient);
  }

  void update(const Adam& adam) {
    adam.update(weight_);
    adam.update(bias_);
  }

  Samples y, y_gradient;

 private:
  Parameter<Weight> weight_;
  Parameter<Bias> bias_;
  Activation activation_ = Activation::none;
};

}  // namespace bench::eigen
