// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

#include "etch/expr/check.hpp"

// Options of layers are types that can be given in any order: Conv2d<16, 3, Stride<2>, Padding<1>>.

namespace etch {

/// Height and width; one number means a square.
struct Size2d {
  std::size_t height = 1, width = 1;

  // NOLINTNEXTLINE(google-explicit-constructor): Conv2d<16, 3> is to mean a 3 x 3 kernel
  constexpr Size2d(std::size_t n) : height(n), width(n) {}
  constexpr Size2d(std::size_t h, std::size_t w) : height(h), width(w) {}
};

namespace option {
struct Stride {};
struct Padding {};
struct Dilation {};
struct Groups {};
struct Bias {};
struct InFeatures {};
struct Epsilon {};
struct Affine {};
struct Momentum {};
}  // namespace option

template <Size2d n> struct Stride : option::Stride { static constexpr Size2d value = n; };
template <Size2d n> struct Padding : option::Padding { static constexpr Size2d value = n; };
template <Size2d n> struct Dilation : option::Dilation { static constexpr Size2d value = n; };
template <std::size_t n> struct Groups : option::Groups { static constexpr std::size_t value = n; };
/// Bias<false>: no additive term.
template <bool on> struct Bias : option::Bias { static constexpr bool value = on; };
/// States the input size that a layer is meant for; it would otherwise take what comes.
template <std::size_t n> struct InFeatures : option::InFeatures {
  static constexpr std::size_t value = n;
};
template <double number> struct Epsilon : option::Epsilon {
  static constexpr double value = number;
};
/// Share of the newest batch in running statistics.
template <double share> struct Momentum : option::Momentum {
  static constexpr double value = share;
};
/// Affine<false>: normalise without trainable weight and bias; Affine<true>: with them, where that
/// is not the default.
template <bool on> struct Affine : option::Affine { static constexpr bool value = on; };

/// The value of the option with this key among the given ones, or `fallback`.
template <class Key, auto fallback> constexpr auto option_or() { return fallback; }
template <class Key, auto fallback, class First, class... Rest> constexpr auto option_or() {
  if constexpr (std::is_base_of_v<Key, First>) return First::value;
  else return option_or<Key, fallback, Rest...>();
}

/// `Fits` if each option of a layer is one of those that it knows, else the first that is not.
template <class... Keys> struct Known {
  template <class First = void, class... Rest> static constexpr auto check() {
    if constexpr (std::is_void_v<First>) return Fits{};
    else if constexpr ((std::is_base_of_v<Keys, First> || ...)) return check<Rest...>();
    else return OptionMisfit<OneOf<Keys...>, First>{};
  }
};

}  // namespace etch
