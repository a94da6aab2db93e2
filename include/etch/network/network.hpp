// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <cstddef>
#include <ranges>
#include <span>
#include <string_view>

#include "etch/layers/sequential.hpp"
#include "etch/network/whole.hpp"

namespace etch {

namespace mp = boost::mp11;

/// The shape of one sample: Input<1, 8, 8>.
template <std::size_t... extents> struct Input : Expression {
  using sample = Shape<extents...>;
};

/// Several inputs of a network, whose first layer takes as many: Inputs<Shape<8>, Shape<1, 4, 4>>.
/// In memory they lie one after the other.
template <class... S> struct Inputs : Expression {
  using sample = Shapes<S...>;
};

namespace detail {

template <class T> inline constexpr bool is_input = false;
template <std::size_t... extents> inline constexpr bool is_input<Input<extents...>> = true;
template <class... S> inline constexpr bool is_input<Inputs<S...>> = true;

/// The verdict of a layer with its place.
template <class V, class Where> struct Located : V {
  using where = Where;
  static constexpr bool shapes_ok = V::ok || !V::options_ok;
};

// What is wrong first. It is only found here: the error is to stand at the network, not at the end
// of a chain of instantiations.
template <std::size_t position, class S> constexpr auto find_misfit() {
  return Located<Fits, void>{};
}
template <std::size_t position, class S, class First, class... Rest>
constexpr auto find_misfit() {
  using V = decltype(layer_fits<First, S>());
  if constexpr (V::ok) return find_misfit<position + 1, ResultShape<First, S>, Rest...>();
  else return Located<V, AtLayer<position, First>>{};
}

template <class In, class... Layers> constexpr auto find_misfit_of_network() {
  if constexpr (is_input<In>) return find_misfit<0, typename In::sample, Layers...>();
  else return Located<Fits, void>{};
}

// Of a network with a mistake in it nothing is asked that could raise a second error.
template <bool valid, class In, class... Layers> struct network_ends {
  using input = Shape<1>;
  using output = Shape<1>;
};
template <class In, class... Layers> struct network_ends<true, In, Layers...> {
  static constexpr bool whole = is_whole<In, Layers...>();
  using input = RowOf<typename In::sample>;
  using output = typename result_of_network<whole, In, Layers...>::type;
};

}  // namespace detail

/// A network as a type: what comes in, then its layers. Positions count the layers, from 0.
template <class In, class... Layers> struct Network : Expression {
  using misfit = decltype(detail::find_misfit_of_network<In, Layers...>());

  /// False after a mistake, which is reported below; nothing is built on such a network.
  static constexpr bool valid = detail::is_input<In> && misfit::ok;
  using ends = detail::network_ends<valid, In, Layers...>;

  // Last, for behind a failed one clang knows no further member.
  static_assert(shapes_agree<detail::is_input<In>, AtLayer<0, In>, Expected<Input<>>, Got<In>>,
                "etch: a network starts with Input<...>, the shape of one sample");
  static_assert(options_agree<misfit::options_ok, typename misfit::where,
                              typename misfit::expected, typename misfit::got>,
                "etch: this layer does not take what it is given between its angle brackets");
  static_assert(shapes_agree<misfit::shapes_ok, typename misfit::where,
                             typename misfit::expected, typename misfit::got>,
                "etch: this layer needs another input shape");
};

/// Shapes of one sample at both ends of a network: one row of numbers where there are several
/// inputs, or several outputs.
template <class Net> using InputShape = typename Net::ends::input;
template <class Net> using OutputShape = typename Net::ends::output;

namespace detail {
template <class Net, bool whole> struct layers_of;
template <class In, class... Layers> struct layers_of<Network<In, Layers...>, false> {
  using type = Sequential<Layers...>;
};
template <class In, class... Layers> struct layers_of<Network<In, Layers...>, true> {
  using type = Whole<In, Layers...>;
};
/// All layers of a network as one.
template <class Net> using LayersOf = typename layers_of<Net, Net::ends::whole>::type;

template <class Net> struct inputs_of_network;
template <class In, class... Layers> struct inputs_of_network<Network<In, Layers...>> {
  using type = typename In::sample;
};
/// The shape of the input of a network, or the Shapes of several.
template <class Net> using InputsOf = typename inputs_of_network<Net>::type;

template <class Net> struct parts_of_network;
template <class In, class... Layers> struct parts_of_network<Network<In, Layers...>> {
  static constexpr const auto& table = output_parts<In, Layers...>;
};
template <class Net> constexpr std::size_t find_output(std::string_view name) {
  std::size_t i = 0;
  for (const OutputPart& part : parts_of_network<Net>::table) {
    if (part.name.view() == name) return i;
    ++i;
  }
  return i;
}
}  // namespace detail

template <FixedString name> struct OutputName {};
template <bool ok, class Name> inline constexpr bool output_exists = ok;

namespace detail {
template <class Net, FixedString name> constexpr OutputPart output_part() {
  constexpr std::size_t found = find_output<Net>(name.view());
  constexpr auto& parts = parts_of_network<Net>::table;
  static_assert(output_exists<(found < parts.size()), OutputName<name>>,
                "etch: no output and no tap of this network has this name");
  return parts[found < parts.size() ? found : 0];
}
}  // namespace detail

/// The part of a network's output that is called so: "0", "1", ... where there are several, and
/// taps by their name. y: the output of one sample, an array or a span; the part is a span of it.
template <class Net, FixedString name, std::ranges::borrowed_range Y>
constexpr auto output(Y&& y) {
  constexpr OutputPart part = detail::output_part<Net, name>();
  const std::span all(y);
  constexpr std::size_t size = decltype(all)::extent;
  using Whole = OutputShape<Net>;
  static_assert(shapes_agree<size == Whole::size, OutputName<name>, Expected<Shape<Whole::size>>,
                             Got<Shape<size>>>,
                "etch: the output of this network has another size");
  if constexpr (size == Whole::size) return all.template subspan<part.offset, part.shape.size()>();
}

/// The same in a formula, as that of a loss which looks at several outputs: with its shape.
template <class Net, FixedString name, Expr Y> constexpr auto output(Y y) {
  constexpr OutputPart part = detail::output_part<Net, name>();
  const auto row = reshape<Shape<ShapeOf<Y>::size>>(y);
  return reshape<ShapeFrom<part.shape>>(
      slice<0, part.offset, part.offset + part.shape.size()>(row));
}

namespace detail {
template <class L> struct as_list {
  using type = mp::mp_list<L>;
};
template <class... Layers> struct as_list<Sequential<Layers...>> {
  using type = mp::mp_list<Layers...>;
};
template <class A, class B>
using joined = mp::mp_append<typename as_list<A>::type, typename as_list<B>::type>;
}  // namespace detail

/// a | b: first a, then b. Pipelines flatten, so positions and names are those of one list.
template <Layer A, Layer B> constexpr auto operator|(A, B) {
  return mp::mp_rename<detail::joined<A, B>, Sequential>{};
}
template <class In, Layer L>
  requires detail::is_input<In>
constexpr auto operator|(In, L) {
  using Layers = typename detail::as_list<L>::type;
  return mp::mp_rename<mp::mp_push_front<Layers, In>, Network>{};
}
template <class... Parts, Layer L> constexpr auto operator|(Network<Parts...>, L) {
  return mp::mp_append<Network<Parts...>, typename detail::as_list<L>::type>{};
}

}  // namespace etch
