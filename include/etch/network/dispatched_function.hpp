// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

// What is compiled for each instruction set: whole models, so that a call is chosen once and not
// op by op.

namespace etch {

/// A function as compiled for one target.
template <class Function> struct ForTarget {
  Function* run;
  std::int64_t target;  ///< as Highway numbers them: HWY_AVX2
};

/// The inference of `batch` samples.
template <class Net, std::size_t batch> struct InferFunction {
  using type = void(const float* parameters, const float* x, float* y, float* workspace);
};

/// n steps of a stream, of which `steps` have gone before.
template <class Net, std::size_t n> struct StepFunction {
  using type = void(const float* parameters, float* state, std::uint64_t steps, const float* x,
                    float* y, float* workspace);
};

/// Of a network with a mistake.
struct NoFunction {
  using type = void();
};

/// The best there is for this machine. If the linker misses it, no file has ETCH_DISPATCH(model).
template <class Of> ForTarget<typename Of::type> best_function_of_ETCH_DISPATCH() noexcept;

}  // namespace etch
