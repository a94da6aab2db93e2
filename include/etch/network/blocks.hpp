// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"
#include "etch/tape/lower.hpp"

// A network is compiled in blocks: a layer with a heavy op and the elementwise layers that follow,
// or a recurrence. What is compiled depends on the block's layers, shape and batch alone, so equal
// blocks are compiled once.

namespace etch {

/// Consecutive layers of a network that are compiled together; `first_layer` is only for names.
template <class Layers, class S, std::size_t first> struct Block {
  using layers = Layers;  ///< a Sequential
  using input = S;
  using output = ResultShape<Layers, S>;
  static constexpr std::size_t first_layer = first;
};

/// A recurrence, which goes through its sequence step by step.
template <class R, class S, std::size_t layer> struct RecurrentBlock;
template <std::size_t steps_back, class... D, class S, std::size_t layer>
struct RecurrentBlock<Recurrence<steps_back, D...>, S, layer> {
  using directions = mp::mp_list<D...>;
  using input = S;
  using output = ResultShape<Recurrence<steps_back, D...>, S>;
  static constexpr std::size_t first_layer = layer, truncation = steps_back;
};

namespace detail {

template <class Parts, class S, std::size_t layer> struct recurrent_blocks;
template <class S, std::size_t layer> struct recurrent_blocks<LayerParts<>, S, layer> {
  using type = mp::mp_list<>;
};

/// What lies between recurrences is a block without parameters.
template <class Part, class S, std::size_t layer> struct block_of_part {
  using type = Block<Sequential<Part>, S, layer>;
};
template <std::size_t truncation, class... D, class S, std::size_t layer>
struct block_of_part<Recurrence<truncation, D...>, S, layer> {
  using type = RecurrentBlock<Recurrence<truncation, D...>, S, layer>;
};
template <class First, class... Rest, class S, std::size_t layer>
struct recurrent_blocks<LayerParts<First, Rest...>, S, layer> {
  using After = typename recurrent_blocks<LayerParts<Rest...>, ResultShape<First, S>, layer>::type;
  using type = mp::mp_push_front<After, typename block_of_part<First, S, layer>::type>;
};

/// The layers of the block that is open, and where they start.
template <std::size_t first_layer, class S, class... Layers> struct Open {
  static constexpr bool empty = false;
  template <class L> using with = Open<first_layer, S, Layers..., L>;
  template <class Done>
  using closed = mp::mp_push_back<Done, Block<Sequential<Layers...>, S, first_layer>>;
};
template <std::size_t first_layer, class S> struct Open<first_layer, S> {
  static constexpr bool empty = true;
  template <class L> using with = Open<first_layer, S, L>;
  template <class Done> using closed = Done;
};

// Cuts a list of layers: the open block grows while layers join, then is moved to `Done`. No cut is
// made where several values are on their way.
template <class Done, class OpenBlock, std::size_t position, class S, class... Layers> struct cut {
  using type = typename OpenBlock::template closed<Done>;
};

template <class Done, class OpenBlock, std::size_t position, class S, class Next, class... Rest>
struct cut<Done, OpenBlock, position, S, Next, Rest...> {
  using Closed = typename OpenBlock::template closed<Done>;
  using type = typename cut<Closed, Open<position, S, Next>, position + 1, ResultShape<Next, S>,
                            Rest...>::type;
};

template <class Done, class OpenBlock, std::size_t position, class S, class Next, class... Rest>
  requires(!MadeOfRecurrences<Next> &&
           (OpenBlock::empty || are_shapes<S> || layer_facts<Next, S>.joins))
struct cut<Done, OpenBlock, position, S, Next, Rest...> {
  using type = typename cut<Done, typename OpenBlock::template with<Next>, position + 1,
                            ResultShape<Next, S>, Rest...>::type;
};

template <class Done, class OpenBlock, std::size_t position, class S, class Next, class... Rest>
  requires(MadeOfRecurrences<Next>)
struct cut<Done, OpenBlock, position, S, Next, Rest...> {
  using After = ResultShape<Next, S>;
  using Closed = mp::mp_append<typename OpenBlock::template closed<Done>,
                               typename recurrent_blocks<typename Next::parts, S, position>::type>;
  using type =
      typename cut<Closed, Open<position + 1, After>, position + 1, After, Rest...>::type;
};

template <class Net, bool valid> struct blocks_of {
  using type = mp::mp_list<>;
};
template <class In, class... Layers> struct blocks_of<Network<In, Layers...>, true> {
  using S = typename In::sample;
  using type = typename cut<mp::mp_list<>, Open<0, S>, 0, S, Layers...>::type;
};
template <class In, class... Layers>
  requires(Network<In, Layers...>::ends::whole)
struct blocks_of<Network<In, Layers...>, true> {
  using type = mp::mp_list<Block<Whole<In, Layers...>, RowOf<typename In::sample>, 0>>;
};

}  // namespace detail

/// The blocks of a network, as a list of Block and RecurrentBlock; empty if it has a mistake.
template <class Net> using Blocks = typename detail::blocks_of<Net, Net::valid>::type;

namespace detail {
template <class B> inline constexpr bool is_recurrent = false;
template <class R, class S, std::size_t layer>
inline constexpr bool is_recurrent<RecurrentBlock<R, S, layer>> = true;

template <class List> inline constexpr bool any_recurrent = false;
template <class... B>
inline constexpr bool any_recurrent<mp::mp_list<B...>> = (is_recurrent<B> || ...);

template <class Net> inline constexpr bool recurs = any_recurrent<Blocks<Net>>;
}  // namespace detail

}  // namespace etch
