// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "etch/network/dispatched_function.hpp"
#include "etch/network/inference.hpp"
#include "etch/network/parameters.hpp"
#include "etch/network/streaming.hpp"

// Models that run the widest vectors of the machine they are on, whatever flags they were compiled
// with. Their functions come from the one file that has ETCH_DISPATCH: see etch/dispatch.hpp.
//
// All is written into the caller: were these functions of their own, the linker would keep the copy
// of any file that uses them, and flags of that file might ask for more than the machine has.

namespace etch {

namespace detail {

/// The weights of a dispatched model, and its function.
template <class Net, class Function> class Dispatched {
 public:
  using Of = Function;

  /// model["0.weight"_k]: a parameter by its name, with the shape that PyTorch gives it.
  template <class Key> auto operator[](Key key) { return parameters_[key]; }
  template <class Key> auto operator[](Key key) const { return parameters_[key]; }

  Parameters<Net>& parameters() noexcept { return parameters_; }
  const Parameters<Net>& parameters() const noexcept { return parameters_; }

  /// The instruction set that runs: "AVX3", "AVX2", "SSE4", "SSSE3", "SCALAR", ...
  const char* target() const noexcept { return hwy::TargetName(best_.target); }

 protected:
  [[gnu::always_inline]] Dispatched() noexcept {}
  [[gnu::always_inline]] explicit Dispatched(const Parameters<Net>& parameters) noexcept
      : parameters_(parameters) {}

  ForTarget<typename Of::type> best_ = best_function_of_ETCH_DISPATCH<Of>();
  Parameters<Net> parameters_;
};

}  // namespace detail

/// Model, or a batch of samples, with the instruction set chosen when it is made:
///
///   using Policy = etch::DispatchedModel<Net>;   // in a header
///   ETCH_DISPATCH(Policy)                        // in one file
///
/// A call goes through one pointer. x [batch, input...], y [batch, output...].
template <class Net, std::size_t batch = 1>
class DispatchedModel : public detail::Dispatched<Net, InferFunction<Net, batch>> {
  using Base = detail::Dispatched<Net, InferFunction<Net, batch>>;

 public:
  static constexpr std::size_t inputs = batch * InputShape<Net>::size;
  static constexpr std::size_t outputs = batch * OutputShape<Net>::size;
  static constexpr std::size_t workspace_floats = HWY_NAMESPACE::Inference<Net, batch>::workspace;

  /// Weights all zero.
  [[gnu::always_inline]] DispatchedModel() noexcept {}
  [[gnu::always_inline]] explicit DispatchedModel(const Parameters<Net>& parameters) noexcept
      : Base(parameters) {}

  [[gnu::always_inline]] void operator()(std::span<const float, inputs> x,
                                         std::span<float, outputs> y) noexcept {
    Base::best_.run(Base::parameters_.data, x.data(), y.data(), workspace_);
  }
  [[gnu::always_inline]] std::array<float, outputs> operator()(
      std::span<const float, inputs> x) noexcept {
    std::array<float, outputs> y;
    Base::best_.run(Base::parameters_.data, x.data(), y.data(), workspace_);
    return y;
  }

 private:
  alignas(64) float workspace_[std::max<std::size_t>(workspace_floats, 1)];
};

/// StreamingModel with the instruction set chosen when it is made; n steps a call.
template <class Net, std::size_t n = 1>
class DispatchedStreamingModel : public detail::Dispatched<Net, StepFunction<Net, n>> {
  using Base = detail::Dispatched<Net, StepFunction<Net, n>>;
  using Run = HWY_NAMESPACE::Streaming<Net, n>;

 public:
  static constexpr std::size_t inputs = Run::inputs, outputs = Run::outputs;
  static constexpr std::size_t workspace_floats = Run::workspace;
  static constexpr std::size_t state_floats = Run::state_floats;

  /// What is remembered from one call to the next: plain memory, that may be copied and put back.
  struct State {
    alignas(64) float data[std::max<std::size_t>(state_floats, 1)] = {};
    std::uint64_t steps = 0;  ///< since the start
  };

  /// Weights all zero.
  [[gnu::always_inline]] DispatchedStreamingModel() noexcept {}
  [[gnu::always_inline]] explicit DispatchedStreamingModel(
      const Parameters<Net>& parameters) noexcept
      : Base(parameters) {}

  [[gnu::always_inline]] void operator()(std::span<const float, inputs> x,
                                         std::span<float, outputs> y) noexcept {
    Base::best_.run(Base::parameters_.data, state_.data, state_.steps, x.data(), y.data(), workspace_);
    state_.steps += n;
  }
  [[gnu::always_inline]] std::array<float, outputs> operator()(
      std::span<const float, inputs> x) noexcept {
    std::array<float, outputs> y;
    (*this)(x, std::span<float, outputs>(y));
    return y;
  }

  /// As if nothing had come in yet.
  [[gnu::always_inline]] void reset() noexcept {
    std::ranges::fill(state_.data, 0.f);
    state_.steps = 0;
  }
  /// What restore takes.
  [[gnu::always_inline]] State save() const noexcept { return state_; }
  /// Goes on from where the state was saved, to the bit.
  [[gnu::always_inline]] void restore(const State& state) noexcept { state_ = state; }

 private:
  State state_;
  alignas(64) float workspace_[std::max<std::size_t>(workspace_floats, 1)];
};

}  // namespace etch
