// SPDX-License-Identifier: BSL-1.0
// A whole model as one function of one target. etch/dispatch.hpp includes this once for each.
#if defined(ETCH_NETWORK_FOR_TARGET_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_FOR_TARGET_HPP
#undef ETCH_NETWORK_FOR_TARGET_HPP
#else
#define ETCH_NETWORK_FOR_TARGET_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "etch/network/dispatched_function.hpp"
#include "etch/network/inference.hpp"
#include "etch/network/streaming.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

template <class Of> struct OnThisTarget;

template <class Net, std::size_t batch>
struct OnThisTarget<InferFunction<Net, batch>> {
  static void run(const float* parameters, const float* x, float* y, float* workspace) noexcept {
    Inference<Net, batch>::run(parameters, x, y, workspace);
  }
};

template <class Net, std::size_t n> struct OnThisTarget<StepFunction<Net, n>> {
  static void run(const float* parameters, float* state, std::uint64_t steps, const float* x,
                  float* y, float* workspace) noexcept {
    Streaming<Net, n>::run(parameters, state, steps, x, y, workspace);
  }
};

template <> struct OnThisTarget<NoFunction> {
  static void run() noexcept {}
};

template <class Of> struct Compiled {
  static constexpr ForTarget<typename Of::type> best{&OnThisTarget<Of>::run, HWY_TARGET};
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
