// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <etch/etch.hpp>
#include <etch/network/dispatched_model.hpp>

#include <array>
#include <span>

namespace models {

using namespace etch;

using Dense = Network<Input<19>, Linear<33>, Tanh, LayerNorm<>, Linear<40>, GELU, Linear<5>>;
using Image = Network<Input<2, 11, 9>, Conv2d<8, 3, Padding<1>>, BatchNorm2d<>, SiLU, MaxPool2d<2>,
                      Conv2d<8, 3>, ReLU, Flatten, Linear<4>, Softmax<>>;
using Memory = Network<Input<6, 3>, LSTM<19>, Linear<3>>;

using DenseModel = DispatchedModel<Dense>;
using SmallModel = DispatchedModel<Quantized<Dense, int8>>;
using ImageModel = DispatchedModel<Image, 2>;
using MemoryModel = DispatchedStreamingModel<Memory>;

template <class Net> const Parameters<Net>& weights() {
  static const Parameters<Net> parameters = [] {
    Parameters<Net> p;
    initialize(p, 3);
    return p;
  }();
  return parameters;
}

using X = std::array<float, DenseModel::inputs>;
using Y = std::array<float, DenseModel::outputs>;

/// The same model without dispatch, in files with flags of their own, and what they say it costs.
struct Fixed {
  Y y;
  std::size_t stack;
};
Fixed run_without_flags(const X& x);
Fixed run_with_avx2(const X& x);

}  // namespace models
