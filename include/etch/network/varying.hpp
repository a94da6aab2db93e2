// SPDX-License-Identifier: BSL-1.0
// Numbers of samples and of steps that are only known at run time. Nothing is computed in vain, and
// no memory is wanted that is not there already.
#if defined(ETCH_NETWORK_VARYING_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_VARYING_HPP
#undef ETCH_NETWORK_VARYING_HPP
#else
#define ETCH_NETWORK_VARYING_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "etch/network/lengths.hpp"
#include "etch/network/model.hpp"
#include "etch/network/stream.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

namespace detail {
/// Pieces of `largest` samples, then of a quarter of that, ..., of one: few kinds to compile, and
/// few calls.
template <class Net, std::size_t largest> struct Pieces {
  using Run = Inference<Net, largest>;
  using Smaller = Pieces<Net, (largest + 3) / 4>;
  static constexpr std::size_t workspace = std::max(Run::workspace, Smaller::workspace);

  static void run(const float* parameters, const float* x, float* y, std::size_t count,
                  float* memory) noexcept {
    for (; count >= largest; count -= largest) {
      Run::run(parameters, x, y, memory);
      x += largest * InputShape<Net>::size;
      y += largest * OutputShape<Net>::size;
    }
    Smaller::run(parameters, x, y, count, memory);
  }
};
template <class Net> struct Pieces<Net, 1> {
  using Run = Inference<Net, 1>;
  static constexpr std::size_t workspace = Run::workspace;

  static void run(const float* parameters, const float* x, float* y, std::size_t count,
                  float* memory) noexcept {
    for (; count > 0; --count) {
      Run::run(parameters, x, y, memory);
      x += InputShape<Net>::size;
      y += OutputShape<Net>::size;
    }
  }
};
}  // namespace detail

/// Working memory for any number of samples, `batch` at a time.
template <class Net, std::size_t batch> struct ManyWorkspace {
  static constexpr std::size_t floats = detail::Pieces<Net, batch>::workspace;

  alignas(64) float data[floats == 0 ? 1 : floats];
};

/// Runs as many samples as x holds, [count, input...], and y is to hold, [count, output...].
template <class Net, std::size_t batch>
void infer_many(const Parameters<Net>& parameters, ManyWorkspace<Net, batch>& workspace,
                std::span<const float> x, std::span<float> y) noexcept {
  detail::Pieces<Net, batch>::run(parameters.data, x.data(), y.data(),
                                  x.size() / InputShape<Net>::size, workspace.data);
}

/// Working memory and state for a sequence of any length; of a network that is no stream, of any
/// length up to that of its input.
template <class Net> struct SequenceWorkspace : UpToWorkspace<Net> {};
template <class Net>
  requires streams<Net>
struct SequenceWorkspace<Net> {
  StreamWorkspace<Net> workspace;
  State<Net> state;
  alignas(64) float x[Streaming<Net, 1>::inputs], y[Streaming<Net, 1>::outputs];
};

/// Runs a sequence of as many steps as x holds: x and y have the shapes of the network but for that
/// number, [steps, F] or [C, steps]. Results are those of the network whose input has this length.
template <class Net>
  requires streams<Net>
void infer_sequence(const Parameters<Net>& parameters, SequenceWorkspace<Net>& memory,
                    std::span<const float> x, std::span<float> y) noexcept {
  static_assert(latency<Net> == 0,
                "etch: the last results of this network need steps behind the sequence");
  using S = InputShape<Net>;
  using R = OutputShape<Net>;
  using From = detail::StreamEnd<S, etch::detail::time_axis<Net>, 1>;
  using To = detail::StreamEnd<R, etch::detail::StreamOf<Net>::facts.axis, 1>;
  const std::size_t steps = x.size() / From::floats;
  memory.state.reset();
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t i = 0; i < From::before; ++i) {
      std::copy_n(x.data() + (i * steps + t) * From::behind, From::behind,
                  memory.x + i * From::behind);
    }
    step<Net, 1>(parameters, memory.state, memory.workspace,
                 std::span<const float, From::floats>(memory.x),
                 std::span<float, To::floats>(memory.y));
    for (std::size_t i = 0; i < To::before; ++i) {
      std::copy_n(memory.y + i * To::behind, To::behind,
                  y.data() + (i * steps + t) * To::behind);
    }
  }
}

/// The same where all steps are needed at once: attention to what comes, recurrences in both
/// directions. Time is axis 0 of the input, and its extent there the most steps.
template <class Net>
  requires(!streams<Net>)
void infer_sequence(const Parameters<Net>& parameters, SequenceWorkspace<Net>& memory,
                    std::span<const float> x, std::span<float> y) noexcept {
  using S = InputShape<Net>;
  infer_up_to<Net>(parameters, memory, x.size() / (S::size / S::dims[0]), x, y);
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace etch {
using HWY_NAMESPACE::infer_many;
using HWY_NAMESPACE::infer_sequence;
using HWY_NAMESPACE::ManyWorkspace;
using HWY_NAMESPACE::SequenceWorkspace;
}  // namespace etch

#endif
