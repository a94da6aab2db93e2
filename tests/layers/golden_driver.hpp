// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "etch/train/losses.hpp"
#include "program.hpp"

// Layers and losses against the golden numbers of tests/golden, which PyTorch computed.

namespace layers {

inline constexpr std::size_t golden_batch = 3;

/// A golden case, and the generated code that has to reproduce it.
struct GoldenCase {
  std::string name;
  Trainable training;
  std::vector<Inference> inference;
};

/// A formula in training as one block without generated code.
Trainable interpreted(const etch::Tape& formula);

namespace detail {
template <class Net, std::size_t... batch> GoldenCase golden_case_of(const std::string& name) {
  return {name, trainable<Net, golden_batch>(), {inference<Net, batch>()...}};
}
template <class S, class... Layers> struct network_on;
template <std::size_t... extents, class... Layers>
struct network_on<etch::Shape<extents...>, Layers...> {
  using type = etch::Network<etch::Input<extents...>, Layers...>;
};
template <class... S, class... Layers> struct network_on<etch::Shapes<S...>, Layers...> {
  using type = etch::Network<etch::Inputs<S...>, Layers...>;
};
template <class S, class... Layers> using NetworkOn = typename network_on<S, Layers...>::type;

template <class S, class... Layers> struct one_layer {
  using type = etch::Sequential<Layers...>;
  using input = S;
};
template <class... S, class... Layers> struct one_layer<etch::Shapes<S...>, Layers...> {
  using Net = NetworkOn<etch::Shapes<S...>, Layers...>;
  using type = etch::detail::LayersOf<Net>;
  using input = etch::InputShape<Net>;
};
}  // namespace detail

/// Layers one after the other on samples of shape S, or of Shapes: trained with the batch, run
/// sample by sample.
template <class S, class... Layers> GoldenCase golden_case(const std::string& name) {
  return detail::golden_case_of<detail::NetworkOn<S, Layers...>, 1>(name);
}
/// The same, and run with the whole batch as well.
template <class S, class... Layers> GoldenCase golden_batch_case(const std::string& name) {
  return detail::golden_case_of<detail::NetworkOn<S, Layers...>, 1, golden_batch>(name);
}
/// Only the formula and its gradient, by the interpreter: for further options of a layer, where
/// generated code would show nothing new and take its time to compile.
template <class S, class... Layers> GoldenCase golden_formula_case(const std::string& name) {
  using One = detail::one_layer<S, Layers...>;
  using All = typename One::type;
  using In = typename One::input;
  etch::Tape formula = etch::lower<All, In>(golden_batch);
  if (formula.origin.by_phase) {
    formula = etch::lower<All, In>(golden_batch, etch::Phase::training, formula.parameters);
  }
  return {name, interpreted(formula), {}};
}

/// A case of a loss: the mean over the batch, and its gradient through the network, if there is
/// one.
struct GoldenLoss {
  std::string name;
  Trainable training;
  Program loss;
};

template <class Loss, class S, std::size_t batch = golden_batch, class... Layers>
GoldenLoss golden_loss(const std::string& name) {
  if constexpr (sizeof...(Layers) == 0) {
    return {name, {batch, {}, 0, {}, false, {}}, program_of<etch::LossTape<Loss, S, batch>>()};
  } else {
    using Net = detail::NetworkOn<S, Layers...>;
    using Out = etch::OutputShape<Net>;
    return {name, trainable<Net, batch>(), program_of<etch::LossTape<Loss, Out, batch>>()};
  }
}

/// Compares values and all gradients: generated code as float, the interpreter on the same tapes as
/// double. Fails as well if the file of the family has a case that is not in the list.
void check_golden(const std::string& family, const std::vector<GoldenCase>& cases);
void check_golden_losses(const std::string& family, const std::vector<GoldenLoss>& cases);

}  // namespace layers
