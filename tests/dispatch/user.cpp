// SPDX-License-Identifier: BSL-1.0
// Compiled with -m flags, calls all that dispatched models have: see symbols.cmake.
#include <etch/layers/linear.hpp>
#include <etch/layers/recurrent.hpp>
#include <etch/network/dispatched_model.hpp>

#include <array>
#include <span>

namespace {

using namespace etch;
using etch::literals::operator""_k;

using Dense = Network<Input<3>, Linear<3>>;
using Memory = Network<Input<4, 3>, RNN<3>>;
using X = std::array<float, 3>;
using Y = std::span<float, 3>;

/// What all have.
template <class M> float call(M&& model, const X& x, Y y) {
  model.warm_up();
  model(x, y);
  const auto other = model(x);
  return other[0] + model.parameters().data[0] + static_cast<float>(model.target()[0]);
}

}  // namespace

float use_model(const Parameters<Dense>& parameters, const X& x, Y y) {
  DispatchedModel<Dense> zero, model(parameters);
  model["0.bias"_k](0) = 1;
  return call(zero, x, y) + call(model, x, y) +
         call(SharedDispatchedModel<Dense>(parameters), x, y);
}

float use_stream(const Parameters<Memory>& parameters, const X& x, Y y) {
  DispatchedStreamingModel<Memory> zero, model(parameters);
  model["0.bias_ih_l0"_k](0) = 1;
  const auto state = model.save();
  model.reset();
  model.restore(state);
  return call(zero, x, y) + call(model, x, y) +
         call(SharedDispatchedStreamingModel<Memory>(parameters), x, y);
}
