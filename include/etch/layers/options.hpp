// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

#include "etch/expr/check.hpp"
#include "etch/expr/fixed.hpp"

// Options of layers are types that can be given in any order: Conv2d<16, 3, Stride<2>, Padding<1>>.

namespace etch {

/// Height and width; one number means a square.
struct Size2d {
  std::size_t height = 1, width = 1;

  // NOLINTNEXTLINE(google-explicit-constructor): Conv2d<16, 3> is to mean a 3 x 3 kernel
  constexpr Size2d(std::size_t n) : height(n), width(n) {}
  constexpr Size2d(std::size_t h, std::size_t w) : height(h), width(w) {}
};

// What a layer can expect beside what expr/check.hpp has: of its input, and a second one.
template <std::size_t number> struct LastAxisDivisibleBy {};
struct TwoInputs {};

namespace option {
struct Stride {};
struct Padding {};
struct PaddingSame {};
struct Causal {};
struct OutputPadding {};
struct Dilation {};
struct Groups {};
struct Bias {};
struct InFeatures {};
struct Epsilon {};
struct Affine {};
struct Momentum {};
struct CountIncludePad {};
struct Mode {};
struct AlignCorners {};
struct NormFirst {};
struct Activation {};
struct SelfLoops {};
struct NegativeSlope {};
struct NumLayers {};
struct Bidirectional {};
struct ProjSize {};
struct OutputActivation {};
struct Truncate {};
struct Dropout {};
struct TopK {};
}  // namespace option

template <Size2d n> struct Stride : option::Stride { static constexpr Size2d value = n; };
template <Size2d n> struct Padding : option::Padding { static constexpr Size2d value = n; };
/// As many zeros as keep the extent, the odd one at the end: PyTorch's padding='same'.
struct PaddingSame : option::PaddingSame {};
/// Causal<>: nothing is seen before its time. A convolution has all of its zeros in front; a
/// position attends to itself and those before it.
template <bool on = true> struct Causal : option::Causal { static constexpr bool value = on; };
/// Further elements at the end of the result of a transposed convolution.
template <Size2d n> struct OutputPadding : option::OutputPadding {
  static constexpr Size2d value = n;
};
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
/// CountIncludePad<false>: a mean over what lies inside of the input only.
template <bool on> struct CountIncludePad : option::CountIncludePad {
  static constexpr bool value = on;
};
/// How Upsample fills in what lies between.
enum class Interpolation : unsigned char { nearest, bilinear };
template <Interpolation how> struct Mode : option::Mode { static constexpr auto value = how; };
/// AlignCorners<true>: the outer pixels of both images have the same centres.
template <bool on> struct AlignCorners : option::AlignCorners { static constexpr bool value = on; };
/// NormFirst<>: a transformer normalises in front of each branch, not behind it.
template <bool on = true> struct NormFirst : option::NormFirst {
  static constexpr bool value = on;
};
/// SelfLoops<false>: a node is no neighbour of itself.
template <bool on> struct SelfLoops : option::SelfLoops { static constexpr bool value = on; };
/// The slope of a LeakyReLU below 0.
template <double number> struct NegativeSlope : option::NegativeSlope {
  static constexpr double value = number;
};
/// Of several experts only the k best-rated ones count.
template <std::size_t k> struct TopK : option::TopK { static constexpr std::size_t value = k; };
/// The layer between two linear ones: Activation<GELU>.
template <class L> struct Activation : option::Activation { static constexpr L value{}; };
/// The layer at the end of a recurrent one.
template <class L> struct OutputActivation : option::OutputActivation {
  static constexpr L value{};
};
/// Recurrent layers on top of each other.
template <std::size_t n> struct NumLayers : option::NumLayers {
  static constexpr std::size_t value = n;
};
/// A second recurrence from the last step to the first.
template <bool on = true> struct Bidirectional : option::Bidirectional {
  static constexpr bool value = on;
};
/// The size that the output of an LSTM is projected to.
template <std::size_t n> struct ProjSize : option::ProjSize {
  static constexpr std::size_t value = n;
};
/// Gradients go back so many steps at most: truncated backpropagation through time.
template <std::size_t n> struct Truncate : option::Truncate {
  static constexpr std::size_t value = n;
};

/// The value of the option with this key among the given ones, or `fallback`.
template <class Key, auto fallback> constexpr auto option_or() { return fallback; }
template <class Key, auto fallback, class First, class... Rest> constexpr auto option_or() {
  if constexpr (std::is_base_of_v<Key, First>) return First::value;
  else return option_or<Key, fallback, Rest...>();
}

/// Whether an option with this key is among the given ones.
template <class Key, class... Options>
inline constexpr bool has_option = (std::is_base_of_v<Key, Options> || ...);

/// `Fits` if each option of a layer is one of those that it knows, else the first that is not.
template <class... Keys> struct Known {
  template <class First = void, class... Rest> static constexpr auto check() {
    if constexpr (std::is_void_v<First>) return Fits{};
    else if constexpr ((std::is_base_of_v<Keys, First> || ...)) return check<Rest...>();
    else return OptionMisfit<OneOf<Keys...>, First>{};
  }
};

/// What a layer over one axis wants where one over two axes takes a pair.
struct OneNumber {};

/// `Fits` if no option holds two different numbers, else the first that does.
template <class First = void, class... Rest> constexpr auto one_number_each() {
  if constexpr (std::is_void_v<First>) {
    return Fits{};
  } else if constexpr (requires { First::value.height; }) {
    if constexpr (First::value.height == First::value.width) return one_number_each<Rest...>();
    else return OptionMisfit<OneNumber, First>{};
  } else {
    return one_number_each<Rest...>();
  }
}

/// The value of an option for a layer over `axes` axes, as one for images: a sequence is an image
/// of height one, over which nothing happens.
template <std::size_t axes, class Key, Size2d fallback, class... Options>
constexpr Array2<std::size_t> per_axis() {
  constexpr Size2d given = option_or<Key, fallback, Options...>();
  return {axes == 1 ? fallback.height : given.height, given.width};
}

}  // namespace etch
