// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <etch/train.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "wavenet.hpp"
#include "workload.hpp"

// The workloads as etch's types: one row a network, all that differs between them.

namespace bench {

template <class Activation>
using Policy = etch::Network<etch::Input<16>, etch::Linear<64>, Activation, etch::Linear<64>,
                             Activation, etch::Linear<4>>;

using Mlp = etch::Network<etch::Input<784>, etch::Linear<128>, etch::ReLU, etch::Linear<64>,
                          etch::ReLU, etch::Linear<10>>;

using LeNet =
    etch::Network<etch::Input<1, 28, 28>, etch::Conv2d<6, 5>, etch::ReLU, etch::MaxPool2d<2>,
                  etch::Conv2d<16, 5>, etch::ReLU, etch::MaxPool2d<2>, etch::Flatten,
                  etch::Linear<120>, etch::ReLU, etch::Linear<84>, etch::ReLU, etch::Linear<10>>;

template <std::size_t channels, class... Options>
using Conv3 = etch::Conv2d<channels, 3, etch::Padding<1>, Options...>;

/// A stage that halves the image: a basic block with a projection around it (He et al. 2016).
template <std::size_t channels>
using Stage = etch::Sum<
    etch::Conv2d<channels, 1, etch::Stride<2>>,
    etch::Sequential<Conv3<channels, etch::Stride<2>>, etch::ReLU, Conv3<channels>>>;

/// Every batch norm is folded into the convolution before it.
using ResNet8 =
    etch::Network<etch::Input<3, 32, 32>, Conv3<16>, etch::ReLU,
                  etch::Residual<Conv3<16>, etch::ReLU, Conv3<16>>, etch::ReLU, Stage<32>,
                  etch::ReLU, Stage<64>, etch::ReLU, etch::GlobalAvgPool, etch::Linear<10>>;

/// 32 positions of 64 features.
using Encoder = etch::Network<etch::Input<32, 64>, etch::TransformerEncoderLayer<4, 128>>;

/// One sample after the other goes into a recurrent layer of so many units.
template <class Layer> using Sequence = etch::Network<etch::Input<64, 1>, Layer, etch::Linear<1>>;

template <std::size_t dilation>
using Dilated = etch::Conv1d<16, 3, etch::Dilation<dilation>, etch::Causal<>>;

using Tcn = etch::Network<etch::Input<1, 64>, etch::Conv1d<16, 1>, Dilated<1>, etch::Tanh,
                          Dilated<2>, etch::Tanh, Dilated<4>, etch::Tanh, Dilated<8>, etch::Tanh,
                          etch::Conv1d<1, 1>>;

/// A row of the table: `Loss` is void where only inference is timed.
template <class N, std::size_t b, class L = void> struct Row {
  using Net = N;
  using Loss = L;
  static constexpr std::size_t batch = b;
  static constexpr bool trains = !std::is_void_v<L>;
  const char* name;
  bool denormal = false;  ///< inputs and weights are such that all hidden activations are denormal
};

#if defined(ETCH_BENCH_FEW)  // one of each kind: what a test of the program needs
inline constexpr bool few = true;
#else
inline constexpr bool few = false;
#endif

/// f(row) for every network workload.
template <class F> void for_each_network(F&& f) {
  f(Row<Policy<etch::Tanh>, 1>{"policy_16_64_64_4_tanh"});
  f(Row<Policy<etch::ReLU>, 1>{"policy_16_64_64_4_relu_denormal", true});
  f(Row<Policy<etch::Tanh>, 32, etch::MSE>{"train_policy_b32"});
  if constexpr (!few) {
    f(Row<Mlp, 1>{"mlp_784_128_64_10"});
    f(Row<Policy<etch::ReLU>, 1>{"policy_16_64_64_4_relu"});
    f(Row<LeNet, 1>{"lenet"});
    f(Row<LeNet, 32>{"lenet_b32"});
    f(Row<ResNet8, 1>{"resnet8"});
    f(Row<Encoder, 1>{"encoder"});
    f(Row<Mlp, 32, etch::CrossEntropy>{"train_mlp_b32"});
    f(Row<LeNet, 32, etch::CrossEntropy>{"train_lenet_b32"});
  }
}

/// A network that is given n samples a call.
template <class N, std::size_t n = 1> struct StreamRow {
  using Net = N;
  static constexpr std::size_t block = n;
  const char* name;
};

/// f(row) for every stream.
template <class F> void for_each_stream(F&& f) {
  f(StreamRow<Sequence<etch::LSTM<16>>>{"lstm_16"});
  if constexpr (!few) {
    f(StreamRow<Sequence<etch::LSTM<32>>>{"lstm_32"});
    f(StreamRow<Sequence<etch::LSTM<64>>>{"lstm_64"});
    f(StreamRow<Sequence<etch::GRU<16>>>{"gru_16"});
    f(StreamRow<Sequence<etch::GRU<32>>>{"gru_32"});
    f(StreamRow<Sequence<etch::GRU<64>>>{"gru_64"});
    f(StreamRow<Tcn>{"tcn"});
    f(StreamRow<WaveNet, 64>{"wavenet"});
  }
}

/// Networks in training whose numbers come from sequences.cpp.
template <class F> void for_each_trained_sequence(F&& f) {
  if constexpr (!few) f(Row<Sequence<etch::LSTM<32>>, 16, etch::MSE>{"train_lstm_32"});
}

/// f(name, integral constant n) for every plain product.
template <class F> void for_each_product(F&& f) {
  f("gemm_16", std::integral_constant<std::size_t, 16>{});
  if constexpr (!few) {
    f("gemm_32", std::integral_constant<std::size_t, 32>{});
    f("gemm_64", std::integral_constant<std::size_t, 64>{});
    f("gemm_128", std::integral_constant<std::size_t, 128>{});
    f("gemm_256", std::integral_constant<std::size_t, 256>{});
    f("gemm_512", std::integral_constant<std::size_t, 512>{});
  }
}

/// Parameters as the workload has them.
template <class Net> void load(etch::Parameters<Net>& parameters, const Workload& w) {
  parameters.for_each([&](const etch::ParameterInfo& info, auto tensor) {
    const Floats& values = w.parameter(info.name.view());
    tensor.copy_from(std::span<const float, tensor.size()>(values.data(), tensor.size()));
  });
}

/// Numbers of target that a batch has.
template <class R>
inline constexpr std::size_t targets_of =
    R::batch * R::Loss::template Target<etch::OutputShape<typename R::Net>>::size;

/// As etch takes them: a class index is a float like any other.
inline Floats floats_of_targets(const Workload& w) {
  return w.labels.empty() ? w.target : Floats(w.labels.begin(), w.labels.end());
}

using Optimizer = etch::Adam;  // its defaults are PyTorch's, which the workloads state

}  // namespace bench
