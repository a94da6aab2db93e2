// SPDX-License-Identifier: BSL-1.0
#pragma once

// One binary for every CPU: a file that includes this (first of all of etch) and says
//
//   ETCH_DISPATCH(Policy)      // a DispatchedModel, say (see dispatched_model.hpp); no semicolon
//
// compiles the whole model for each instruction set that its compiler knows. Which one runs is
// chosen once, when a model is made. Such a file wants no -m flag and several times the time of one
// target; link libhwy (CMake: etch::dispatch). Other files of the program have no wider -m flags
// than its oldest machine either: what is not etch's hot path (std::vector, say) the linker keeps
// once for all of them, from any.
//
// Instruction sets with fused multiply-add (AVX2, AVX3) give the same bits; others differ in the
// last digits.

#if defined(HWY_HIGHWAY_INCLUDED) || defined(HIGHWAY_HWY_DETECT_TARGETS_H_)
#error "etch: include etch/dispatch.hpp before whatever includes Highway or runs networks"
#endif

#undef HWY_COMPILE_ONLY_STATIC
#undef HWY_HEADER_ONLY
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE_256 | HWY_SVE2 | HWY_SVE2_128 | HWY_RVV)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "etch/network/for_target.hpp"

#include <hwy/foreach_target.h>
// In this order: the one above decides what all others are compiled for.
#include "etch/network/for_target.hpp"

#include "etch/network/dispatched_model.hpp"

namespace etch {

namespace detail {
/// What was compiled, in the order of hwy::ChosenTarget.
template <class Of>
inline constexpr const ForTarget<typename Of::type>* compiled_for_targets[] = {
    nullptr, HWY_CHOOSE_TARGET_LIST(Compiled<Of>::best), HWY_CHOOSE_FALLBACK(Compiled<Of>::best)};
}  // namespace detail

template <class Of> ForTarget<typename Of::type> best_function_of_ETCH_DISPATCH() noexcept {
  hwy::ChosenTarget& chosen = hwy::GetChosenTarget();
  // Asking the processor takes microseconds, so it is asked once.
  if (!chosen.IsInitialized()) chosen.Update(hwy::SupportedTargets());
  return *detail::compiled_for_targets<Of>[chosen.GetIndex()];
}

}  // namespace etch

/// Makes the functions of a dispatched model, in one file, outside of all namespaces. Models on the
/// same network, their own or shared weights, have one function.
#define ETCH_DISPATCH(...)                                       \
  template etch::ForTarget<typename __VA_ARGS__::Of::type>       \
  etch::best_function_of_ETCH_DISPATCH<typename __VA_ARGS__::Of>() noexcept;
