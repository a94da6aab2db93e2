// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_NETWORK_UPDATE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_UPDATE_HPP
#undef ETCH_NETWORK_UPDATE_HPP
#else
#define ETCH_NETWORK_UPDATE_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "etch/network/emit.hpp"
#include "etch/network/training_tapes.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

/// One pass of an optimizer over all parameters of a network; everything is updated in place.
template <class Optimizer, std::size_t floats> class Update {
  using Run = Routine<OptimizerTape<Optimizer, floats>>;

 public:
  static constexpr std::size_t stack = Run::stack;  ///< bytes: see Routine

  /// slots: [Optimizer::slots, floats].
  static void run(const Optimizer& optimizer, std::uint64_t step, float* parameters,
                  const float* gradients, float* slots) noexcept {
    const auto scalars = optimizer.scalars(step);
    [&]<std::size_t... s, std::size_t... k>(std::index_sequence<s...>,
                                            std::index_sequence<k...>) HWY_ATTR {
      const float* const inputs[] = {parameters, gradients, (slots + s * floats)...,
                                     (scalars.data() + k)...};
      float* const outputs[] = {parameters, (slots + s * floats)...};
      static_assert(Run::workspace == 0);
      Run::run({inputs, nullptr, outputs, nullptr});
    }(std::make_index_sequence<Optimizer::slots>{}, std::make_index_sequence<scalars.size()>{});
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
