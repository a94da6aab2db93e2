// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_NETWORK_HELD_PARAMETERS_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_HELD_PARAMETERS_HPP
#undef ETCH_NETWORK_HELD_PARAMETERS_HPP
#else
#define ETCH_NETWORK_HELD_PARAMETERS_HPP
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "etch/network/parameters.hpp"

// Where models have their weights from. Of each target, as they are copied with its vectors.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace detail {

/// Weights inside of a model.
template <class Net> class OwnParameters {
 public:
  /// Weights all zero.
  OwnParameters() = default;
  explicit OwnParameters(const Parameters<Net>& parameters) : parameters_(parameters) {}
  /// Weights drawn as before training.
  explicit OwnParameters(std::uint64_t seed) { initialize(parameters_, seed); }

  /// model["0.weight"_k]: a parameter by its name, with the shape that PyTorch gives it.
  template <class Key> auto operator[](Key key) { return parameters_[key]; }
  template <class Key> auto operator[](Key key) const { return parameters_[key]; }

  Parameters<Net>& parameters() noexcept { return parameters_; }
  const Parameters<Net>& parameters() const noexcept { return parameters_; }

 private:
  Parameters<Net> parameters_;
};

/// Weights that are somebody else's, who keeps them as long as the model lives.
template <class Net> class SharedParameters {
 public:
  explicit SharedParameters(const Parameters<Net>& parameters) noexcept
      : parameters_(&parameters) {}
  explicit SharedParameters(const Parameters<Net>&&) = delete;  // it would dangle

  const Parameters<Net>& parameters() const noexcept { return *parameters_; }

 private:
  const Parameters<Net>* parameters_;
};

}  // namespace detail
}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
