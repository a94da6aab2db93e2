// SPDX-License-Identifier: BSL-1.0
// Derivatives of a trained network for its input, one sample at a time. Like a Model these objects
// hold their memory inside: no heap, and a thread of its own for each.
#if defined(ETCH_NETWORK_DERIVATIVES_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_DERIVATIVES_HPP
#undef ETCH_NETWORK_DERIVATIVES_HPP
#else
#define ETCH_NETWORK_DERIVATIVES_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "etch/network/derivative_tapes.hpp"
#include "etch/network/emit.hpp"
#include "etch/network/parameters.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

namespace detail {
/// A whole network is one routine here: what is trained lies before the rest, as in Parameters.
template <class R, class Net>
HWY_INLINE void run_network(const Parameters<Net>& parameters, const float* const* inputs,
                            float* const* outputs, float* memory) noexcept {
  R::run({inputs, parameters.data, outputs, memory, parameters.data + trained_floats_of<Net>});
}

/// A routine that gives a loss and something that is derived from it.
template <class Net, class Loss, class Source> class DerivedFromLoss {
  using Run = Routine<Source>;
  static_assert(same_storage<Net, Run::tape>,
                "etch: a derivative reads the parameters where the network has them, as floats");

 protected:
  using Target = typename Loss::template Target<OutputShape<Net>>;
  using GivenX = std::span<const float, InputShape<Net>::size>;
  using GivenTarget = std::span<const float, Target::size>;
  using Result = std::span<float, InputShape<Net>::size>;

  /// Writes the result and returns the loss.
  float run(const Parameters<Net>& parameters, const float* const* inputs, Result result) noexcept {
    alignas(64) float loss = 0;
    float* const outputs[] = {&loss, result.data()};
    run_network<Run>(parameters, inputs, outputs, memory_);
    return loss;
  }

 private:
  alignas(64) float memory_[std::max<std::size_t>(Run::workspace, 1)];
};
}  // namespace detail

/// The gradient of a loss for the input: what to change in x to change y (adversarial examples,
/// style transfer, planning).
///
///     InputGradient<Net, MSE> gradient;
///     const float loss = gradient(model.parameters(), x, target, dx);
template <class Net, class Loss>
class InputGradient : detail::DerivedFromLoss<Net, Loss, InputGradientTape<Net, Loss>> {
  using Base = detail::DerivedFromLoss<Net, Loss, InputGradientTape<Net, Loss>>;

 public:
  /// Writes dx and returns the loss.
  float operator()(const Parameters<Net>& parameters, typename Base::GivenX x,
                   typename Base::GivenTarget target, typename Base::Result dx) noexcept {
    const float* const inputs[] = {x.data(), target.data()};
    return Base::run(parameters, inputs, dx);
  }
};

/// The derivative of each output for each input, [output][input], row by row: forward once, back
/// once for each output.
template <class Net> class Jacobian {
  static constexpr std::size_t in = InputShape<Net>::size, out = OutputShape<Net>::size;
  using Forward = Routine<NetworkForwardTape<Net>>;
  using Backward = Routine<NetworkBackwardTape<Net>>;
  static_assert(same_storage<Net, Forward::tape>,
                "etch: a derivative reads the parameters where the network has them, as floats");
  static constexpr std::size_t kept = Forward::tape.outputs.size() - 1;

 public:
  /// Writes the Jacobian, and y = f(x) if it is asked for.
  void operator()(const Parameters<Net>& parameters, std::span<const float, in> x,
                  std::span<float, out * in> jacobian) noexcept {
    run(parameters, x, y_, jacobian.data(), std::make_index_sequence<kept>{});
  }
  void operator()(const Parameters<Net>& parameters, std::span<const float, in> x,
                  std::span<float, out> y, std::span<float, out * in> jacobian) noexcept {
    (*this)(parameters, x, jacobian);
    std::copy_n(y_, out, y.data());
  }

 private:
  /// Where what is kept starts, and last where it ends.
  static constexpr auto places = [] {
    std::array<std::size_t, kept + 1> at{};
    for (std::size_t k = 0; k < kept; ++k) {
      const Instruction& value = Forward::tape[Forward::tape.outputs[k + 1]];
      at[k + 1] = at[k] + round_to_line(value.shape.size());
    }
    return at;
  }();

  template <std::size_t... k>
  void run(const Parameters<Net>& parameters, std::span<const float, in> x, float* y,
           float* jacobian, std::index_sequence<k...>) noexcept {
    const float* const given[] = {x.data()};
    float* const found[] = {y, kept_ + places[k]...};
    detail::run_network<Forward>(parameters, given, found, memory_);
    std::fill_n(seed_, out, 0.f);
    const float* const inputs[] = {x.data(), seed_, y, nullptr, nullptr, kept_ + places[k]...};
    for (std::size_t row = 0; row < out; ++row) {
      seed_[row] = 1;
      float* const outputs[] = {jacobian + row * in};
      detail::run_network<Backward>(parameters, inputs, outputs, memory_);
      seed_[row] = 0;
    }
  }

  alignas(64) float y_[out];
  alignas(64) float seed_[out];
  alignas(64) float kept_[std::max<std::size_t>(places[kept], 1)];
  alignas(64) float
      memory_[std::max<std::size_t>({Forward::workspace, Backward::workspace, std::size_t{1}})];
};

/// The product of the Hessian of a loss for the input with a vector v: how the gradient changes
/// along v.
template <class Net, class Loss>
class HessianVector : detail::DerivedFromLoss<Net, Loss, HessianVectorTape<Net, Loss>> {
  using Base = detail::DerivedFromLoss<Net, Loss, HessianVectorTape<Net, Loss>>;

 public:
  /// Writes hv and returns the loss.
  float operator()(const Parameters<Net>& parameters, typename Base::GivenX x,
                   typename Base::GivenTarget target, typename Base::GivenX v,
                   typename Base::Result hv) noexcept {
    const float* const inputs[] = {x.data(), target.data(), v.data()};
    return Base::run(parameters, inputs, hv);
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace etch {
using HWY_NAMESPACE::HessianVector;
using HWY_NAMESPACE::InputGradient;
using HWY_NAMESPACE::Jacobian;
}  // namespace etch

#endif
