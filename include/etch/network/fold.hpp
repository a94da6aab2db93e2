// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <type_traits>

#include "etch/layers/batch_norm.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/parameters.hpp"

// A normalisation with running statistics is affine in each channel: the layer before it can do
// that with weights of its own.

namespace etch {

namespace detail {

/// A layer with the same shapes that has a bias; no type where nothing can be folded into it.
template <class L> struct with_bias {};

template <class Option> using says_bias = std::is_base_of<option::Bias, Option>;
/// The options but for Bias, as a list.
template <class... Options>
using OptionsForBias = mp::mp_remove_if<mp::mp_list<Options...>, says_bias>;

template <std::size_t out, class... Options> struct with_bias<Linear<out, Options...>> {
  template <class... Kept> using layer = Linear<out, Kept...>;
  using type = mp::mp_apply<layer, OptionsForBias<Options...>>;
};
template <std::size_t out, std::size_t kernel, class... Options>
struct with_bias<Conv1d<out, kernel, Options...>> {
  template <class... Kept> using layer = Conv1d<out, kernel, Kept...>;
  using type = mp::mp_apply<layer, OptionsForBias<Options...>>;
};
template <std::size_t out, Size2d kernel, class... Options>
struct with_bias<Conv2d<out, kernel, Options...>> {
  template <class... Kept> using layer = Conv2d<out, kernel, Kept...>;
  using type = mp::mp_apply<layer, OptionsForBias<Options...>>;
};

template <class L> struct batch_norm_epsilon {};
template <class... Options> struct batch_norm_epsilon<BatchNorm1d<Options...>> {
  static constexpr double value = option_or<option::Epsilon, 1e-5, Options...>();
};
template <class... Options> struct batch_norm_epsilon<BatchNorm2d<Options...>> {
  static constexpr double value = option_or<option::Epsilon, 1e-5, Options...>();
};

/// Whether L has its outputs along axis 0, the channels that N looks at, for inputs of shape S: of
/// a sequence Linear has them along another.
template <class L, class S> inline constexpr bool outputs_are_channels = true;
template <std::size_t out, class... Options, class S>
inline constexpr bool outputs_are_channels<Linear<out, Options...>, S> = S::rank == 1;

template <class S, class L, class N>
concept Foldable = outputs_are_channels<L, S> && requires {
  typename with_bias<L>::type;
  batch_norm_epsilon<N>::value;
};

/// A tensor of a network seen as state_dict shows it.
template <class Float> struct NamedTensor {
  ParameterInfo info;
  Float* data;

  Float& operator[](std::size_t i) const { return data[info.place_of(i)]; }
};
template <class Float> using NamedTensors = std::map<std::string, NamedTensor<Float>>;

template <class Net, class Float> NamedTensors<Float> named_tensors(Float* data) {
  NamedTensors<Float> result;
  for (const PlacedParameter& p : float_rows<Net>()) {
    result[std::string(p.info.name.view())] = {p.info, data + p.offset};
  }
  return result;
}

/// Where a list of layers stands, before and after: "2." and "1.", say.
struct FoldedPlace {
  const NamedTensors<const float>& from;
  const NamedTensors<float>& to;
  std::string before, after;

  FoldedPlace inside(std::size_t i, std::size_t j) const {
    return {from, to, before + std::to_string(i) + '.', after + std::to_string(j) + '.'};
  }

  /// What stands under `before` goes under `after`.
  void copy() const {
    for (const auto& [name, tensor] : from) {
      if (name.compare(0, before.size(), before) != 0) continue;
      copy(tensor, to.at(after + name.substr(before.size())));
    }
  }

  static void copy(const NamedTensor<const float>& tensor, const NamedTensor<float>& target) {
    for (std::size_t i = 0; i < tensor.info.shape.size(); ++i) target[i] = tensor[i];
  }

  /// Layers that several places share have no place in their names.
  void copy_shared() const {
    for (const auto& [name, target] : to) {
      const bool placed = name[0] >= '0' && name[0] <= '9';
      if (!placed) copy(from.at(name), target);
    }
  }

  /// The tensor of that name, or one number for all elements if there is none.
  template <class F> float value(const std::string& name, F index, float otherwise) const {
    const auto found = from.find(name);
    return found == from.end() ? otherwise : found->second[index];
  }

  /// y = (W x + b - mean) s + shift with s = weight / sqrt(var + epsilon), channel by channel.
  void fold(const std::string& norm, double epsilon) const {
    const NamedTensor<const float>& w = from.at(before + "weight");
    const NamedTensor<float>& to_w = to.at(after + "weight");
    const NamedTensor<float>& to_b = to.at(after + "bias");
    const std::size_t outputs = w.info.shape[0], each = w.info.shape.size() / outputs;
    for (std::size_t o = 0; o < outputs; ++o) {
      const auto of = [&](const std::string& name, float otherwise) {
        return static_cast<double>(value(name, o, otherwise));
      };
      const double s =
          of(norm + "weight", 1) / std::sqrt(of(norm + "running_var", 1) + epsilon);
      const double b = of(before + "bias", 0) - of(norm + "running_mean", 0);
      to_b[o] = static_cast<float>(b * s + of(norm + "bias", 0));
      for (std::size_t i = 0; i < each; ++i) {
        to_w[o * each + i] = static_cast<float>(static_cast<double>(w[o * each + i]) * s);
      }
    }
  }
};

/// A pipeline on inputs of shape S.
template <class S, class... Layers> struct fold_layers;

/// A layer that stays what it is, or changes inside.
template <class S, class L> struct fold_layer {
  using type = L;
  static void run(const FoldedPlace& place) { place.copy(); }
};
template <class S, class... Inner> struct fold_layer<S, Sequential<Inner...>> {
  using layers = fold_layers<S, Inner...>;
  using type = mp::mp_rename<typename layers::type, Sequential>;
  static void run(const FoldedPlace& place) { layers::run(place, 0, 0); }
};
template <class S, class... Inner> struct fold_layer<S, Residual<Inner...>> {
  using layers = fold_layers<S, Inner...>;
  using type = mp::mp_rename<typename layers::type, Residual>;
  static void run(const FoldedPlace& place) { layers::run(place, 0, 0); }
};

template <class S> struct fold_layers<S> {
  using type = mp::mp_list<>;
  static void run(const FoldedPlace&, std::size_t, std::size_t) {}
};
template <class S, class First, class... Rest> struct fold_layers<S, First, Rest...> {
  using rest = fold_layers<ResultShape<First, S>, Rest...>;
  using type = mp::mp_push_front<typename rest::type, typename fold_layer<S, First>::type>;
  static void run(const FoldedPlace& place, std::size_t i, std::size_t j) {
    fold_layer<S, First>::run(place.inside(i, j));
    rest::run(place, i + 1, j + 1);
  }
};
template <class S, class L, class N, class... Rest>
  requires Foldable<S, L, N>
struct fold_layers<S, L, N, Rest...> {
  using rest = fold_layers<ResultShape<L, S>, Rest...>;
  using type = mp::mp_push_front<typename rest::type, typename with_bias<L>::type>;
  static void run(const FoldedPlace& place, std::size_t i, std::size_t j) {
    const std::string norm = place.before + std::to_string(i + 1) + '.';
    place.inside(i, j).fold(norm, batch_norm_epsilon<N>::value);
    rest::run(place, i + 2, j + 1);
  }
};

template <class Net> struct folded;
template <class In, class... Layers> struct folded<Network<In, Layers...>> {
  using layers = fold_layers<typename In::sample, Layers...>;
  using type = mp::mp_push_front<mp::mp_rename<typename layers::type, Network>, In>;
};

}  // namespace detail

/// The network in which every BatchNorm right behind a Linear (of vectors), Conv1d or Conv2d has
/// become part of it, also inside of Sequential and Residual. Positions, and with them names, move
/// up.
template <class Net> using Folded = typename detail::folded<Net>::type;

/// Parameters for `Folded<Net>`, which computes in inference what Net does, up to rounding.
template <class Net>
std::unique_ptr<Parameters<Folded<Net>>> fold(const Parameters<Net>& parameters) {
  auto result = std::make_unique<Parameters<Folded<Net>>>();
  const auto from = detail::named_tensors<Net>(parameters.data);
  const auto to = detail::named_tensors<Folded<Net>>(result->data);
  const detail::FoldedPlace all{from, to, "", ""};
  detail::folded<Net>::layers::run(all, 0, 0);
  all.copy_shared();
  return result;
}

}  // namespace etch
