// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include "etch/layers/cells.hpp"
#include "etch/layers/dropout.hpp"
#include "etch/layers/freeze.hpp"
#include "etch/layers/options.hpp"
#include "etch/layers/sequential.hpp"

// Layers that run a cell along the first axis of a sequence [T, ..]: result [T, ..].

namespace etch {

/// What is expected of a cell: the shapes of what goes out and of the new states.
template <class Results> struct CellWithResults {};
/// ... and one formula for training and inference: no Dropout, no BatchNorm.
struct CellWithoutPhases {};

/// One run of a cell over a sequence; its parameters have a suffix.
template <class C, FixedString name_suffix = "", bool backwards = false> struct Direction {
  using cell = C;
  static constexpr FixedString suffix = name_suffix;
  static constexpr bool reverse = backwards;
};

/// Runs over the same sequence, the results of each step one after the other.
template <std::size_t truncation, class... Directions> struct Recurrence {
  template <Expr X> static constexpr auto formula(X x) {
    return concat<-1>(scan<typename Directions::cell, Directions::suffix,
                           ScanOptions{Directions::reverse, truncation}>(x)...);
  }
};

namespace detail {

/// "_l0", "_l1_reverse": what torch.nn.LSTM adds to the names of a layer's parameters.
template <std::size_t layer, bool reverse> constexpr auto layer_suffix() {
  constexpr std::string_view before = "_l", after = reverse ? "_reverse" : "";
  constexpr auto number = number_key<layer>();
  constexpr std::size_t digits = number.view().size();
  char text[before.size() + digits + after.size() + 1] = {};
  std::size_t n = 0;
  for (const std::string_view part : {before, number.view(), after}) {
    for (const char c : part) text[n++] = c;
  }
  return FixedString<sizeof text>(text);
}

template <class... L> struct LayerParts {};

/// A layer that consists of others without their positions in the names of parameters; a network
/// takes it apart.
template <class... L> struct RecurrentParts {
  using parts = LayerParts<L...>;

  template <Expr X> static constexpr auto formula(X x) { return after<L...>(x); }

 private:
  template <class First, class... Rest, Expr X> static constexpr auto after(X x) {
    const auto y = call<"", First>(x);
    if constexpr (sizeof...(Rest) == 0) return y;
    else return after<Rest...>(y);
  }
};

template <class... Options>
inline constexpr std::size_t truncation_of =
    option_or<option::Truncate, std::size_t{0}, Options...>();

template <class... Options>
inline constexpr std::size_t layer_count =
    option_or<option::NumLayers, std::size_t{1}, Options...>();

template <class C, std::size_t layer, class... Options> constexpr auto recurrence_of_layer() {
  using Forward = Direction<C, layer_suffix<layer, false>()>;
  using Backward = Direction<C, layer_suffix<layer, true>(), true>;
  constexpr std::size_t truncation = truncation_of<Options...>;
  if constexpr (option_or<option::Bidirectional, false, Options...>()) {
    return Recurrence<truncation, Forward, Backward>{};
  } else {
    return Recurrence<truncation, Forward>{};
  }
}

/// Layers on top of each other, as torch.nn.RNNBase has them, with dropout between them.
template <class C, class... Options> struct stacked_recurrences {
  static constexpr double p = option_or<option::Dropout, 0.0, Options...>();
  template <std::size_t layer>
  using One = decltype(recurrence_of_layer<C, layer, Options...>());
  template <std::size_t layer>
  using With = std::conditional_t<layer == 0 || p == 0, boost::mp11::mp_list<One<layer>>,
                                  boost::mp11::mp_list<Dropout<p>, One<layer>>>;

  template <std::size_t... layer>
  static auto stack(std::index_sequence<layer...>)
      -> boost::mp11::mp_rename<boost::mp11::mp_append<With<layer>...>, RecurrentParts>;
  using type = decltype(stack(std::make_index_sequence<layer_count<Options...>>{}));
};

/// The verdict on a cell for steps of shape S: it returns outputs(y, states...), each state as it
/// was, and is one formula for training and inference.
template <class C, class S> constexpr auto cell_fits() {
  if constexpr (!keeps_states<C, S>) {
    return OptionMisfit<CellWithResults<WantedResults<C, S>>, CellResults<C, S>>{};
  } else if constexpr (!steps_alone<CellFormula<C, S>>) {
    return OptionMisfit<CellWithoutPhases, C>{};
  } else {
    return Fits{};
  }
}

template <class C, class... Options>
struct Recurrences : stacked_recurrences<C, Options...>::type {
 protected:
  template <class S, class... Keys> static constexpr auto verdict() {
    constexpr std::size_t layers = layer_count<Options...>;
    constexpr auto known =
        Known<option::NumLayers, option::Bidirectional, option::Truncate, option::Bias,
              option::Dropout, Keys...>::template check<Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (layers == 0) return OptionMisfit<AtLeast<1>, NumLayers<0>>{};
    else if constexpr (S::rank != 2) return Misfit<AnyShapeOfRank<2>, S>{};
    else if constexpr (!layer_fits<Dropout<p>, S>().ok) return layer_fits<Dropout<p>, S>();
    else return cell_fits<C, StepShape<S>>();
  }

 private:
  static constexpr double p = option_or<option::Dropout, 0.0, Options...>();
};

}  // namespace detail

/// Any cell, from the first step of x to the last: see expr/recurrence.hpp. Option: Truncate<n>.
template <Cell C, class... Options>
struct Recurrent
    : detail::RecurrentParts<Recurrence<detail::truncation_of<Options...>, Direction<C>>> {
  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Truncate>::template check<Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (S::rank == 0) return Misfit<RankOfAtLeast<1>, S>{};
    else return detail::cell_fits<C, detail::StepShape<S>>();
  }
};
template <Cell C> constexpr auto recurrent(C) { return Recurrent<C>{}; }

// x: [T, In], result: [T, hidden], or [T, 2 hidden] with Bidirectional<>: first those in the order
// of time. As PyTorch's with batch_first, and without the last states among the results: Select<0,
// -1> takes the last step. Options of all: NumLayers<n>, Bidirectional<>, Bias<false>, Dropout<p>
// between layers, Truncate<n> (gradients go back n steps at most; else through all of the
// sequence). Parameters: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, then those that end in
// _l0_reverse, _l1, ...

/// torch.nn.RNN; see RNNCell. Further option: Activation<ReLU> (PyTorch: nonlinearity).
template <std::size_t hidden, class... Options>
struct RNN : detail::Recurrences<RNNCell<hidden, Options...>, Options...> {
  template <class S> static constexpr auto fits() {
    return RNN::template verdict<S, option::Activation>();
  }
};

/// torch.nn.GRU; see GRUCell.
template <std::size_t hidden, class... Options>
struct GRU : detail::Recurrences<GRUCell<hidden, Options...>, Options...> {
  template <class S> static constexpr auto fits() { return GRU::template verdict<S>(); }
};

/// torch.nn.LSTM; see LSTMCell. Further option: ProjSize<n>; the result is then [T, n]. Parameters
/// also: weight_hr_l0, ...
template <std::size_t hidden, class... Options>
struct LSTM : detail::Recurrences<LSTMCell<hidden, Options...>, Options...> {
  template <class S> static constexpr auto fits() {
    constexpr std::size_t n = option_or<option::ProjSize, std::size_t{0}, Options...>();
    if constexpr (n >= hidden) return OptionMisfit<AtMost<hidden - 1>, ProjSize<n>>{};
    else return LSTM::template verdict<S, option::ProjSize>();
  }
};

/// A Jordan network: see JordanCell. x: [T, In], result [T, out]. Parameters: weight_ih, weight_hh,
/// weight_ho, bias_ih, bias_hh, bias_ho.
template <std::size_t hidden, std::size_t out, class... Options>
struct Jordan
    : detail::RecurrentParts<Recurrence<detail::truncation_of<Options...>,
                                        Direction<JordanCell<hidden, out, Options...>>>> {
  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Truncate, option::Bias, option::Activation,
                                 option::OutputActivation>::template check<Options...>();
    if constexpr (!known.ok) return known;
    else if constexpr (S::rank != 2) return Misfit<AnyShapeOfRank<2>, S>{};
    else return detail::cell_fits<JordanCell<hidden, out, Options...>, detail::StepShape<S>>();
  }
};

/// Each step with the n - 1 before it, zeros where there are none: [T, F] -> [T, n F], the newest
/// first. With a Linear behind it, an autoregressive model of order n.
template <std::size_t n> struct DelayTaps : Recurrent<DelayTapsCell<n>> {
  template <class S> static constexpr auto fits() {
    if constexpr (n < 2) return OptionMisfit<AtLeast<2>, Number<n>>{};
    else return Recurrent<DelayTapsCell<n>>::template fits<S>();
  }
};

namespace detail {

template <class L>
concept MadeOfRecurrences = requires { typename L::parts; };

/// A cell whose results are expressions around those of C.
template <class Wrap, class C> struct WrappedCell {
  template <class S> using states = StatesOf<C, S>;
  template <Expr... X> static constexpr auto formula(X... x) {
    return results(C::formula(x...));
  }

 private:
  template <class E> static constexpr auto results(E) {
    return typename Wrap::template around<E>{};
  }
  template <class... E> static constexpr auto results(Outputs<E...>) {
    return outputs(typename Wrap::template around<E>{}...);
  }
};

template <class Wrap, class Part> struct wrapped_part;
template <class Wrap, std::size_t truncation, class... D>
struct wrapped_part<Wrap, Recurrence<truncation, D...>> {
  template <class One>
  using Wrapped = Direction<WrappedCell<Wrap, typename One::cell>, One::suffix, One::reverse>;
  using type = Recurrence<truncation, Wrapped<D>...>;
};
template <class Wrap, double p> struct wrapped_part<Wrap, Dropout<p>> {
  using type = Dropout<p>;
};
template <class Wrap, class Parts> struct wrapped_parts;
template <class Wrap, class... Part> struct wrapped_parts<Wrap, LayerParts<Part...>> {
  using type = RecurrentParts<typename wrapped_part<Wrap, Part>::type...>;
};

/// What training leaves alone.
struct AsFrozen {
  template <class E> using around = Frozen<E>;
};
/// What is stored as `type`.
template <NumberType type> struct InSmallNumbers {
  template <class E> using around = StoredAs<type, E>;
};

}  // namespace detail

template <detail::MadeOfRecurrences L>
struct Freeze<L> : detail::wrapped_parts<detail::AsFrozen, typename L::parts>::type {
  template <class S> static constexpr auto fits() { return layer_fits<L, S>(); }
};

}  // namespace etch
