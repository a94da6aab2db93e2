// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>

#include "etch/network/network.hpp"
#include "etch/network/program.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/split.hpp"

// A network is compiled in blocks: a layer with a heavy op and the elementwise layers that follow.
// What is compiled depends on the block's layers, shape and batch alone, so equal blocks are
// compiled once.

namespace etch {

namespace detail {

/// Layers that only compute elementwise, or rename axes: they join the block before them.
template <class L, class S> constexpr bool joins_block() {
  const Tape tape = lower<L, S>();
  for (const Instruction& i : tape.code) {
    const OpKind kind = info(i.op).kind;
    const bool free = i.op == Op::reshape || i.op == Op::broadcast;
    if (kind == OpKind::heavy || (kind == OpKind::movement && !free)) return false;
  }
  return true;
}
/// Asked once for layers that stand in a network many times.
template <class L, class S> inline constexpr bool joins = joins_block<L, S>();

template <class Done, class Current, std::size_t first, std::size_t position, class S,
          class... Rest>
struct cut;

}  // namespace detail

/// Consecutive layers of a network that are compiled together; `first_layer` is only for names.
template <class Layers, class S, std::size_t first> struct Block {
  using layers = Layers;  ///< a Sequential
  using input = S;
  using output = ResultShape<Layers, S>;
  static constexpr std::size_t first_layer = first;
};

namespace detail {

// Cuts a list of layers: `Current` grows while layers join, and is moved to `Done` as a Block.
template <class... Done, class Current, std::size_t first, std::size_t position, class S>
struct cut<mp::mp_list<Done...>, Current, first, position, S> {
  using type = mp::mp_list<Done...>;
};

template <class... Done, class StartShape, class... Current, std::size_t first,
          std::size_t position, class S>
struct cut<mp::mp_list<Done...>, mp::mp_list<StartShape, Current...>, first, position, S> {
  using type = mp::mp_list<Done..., Block<Sequential<Current...>, StartShape, first>>;
};

template <class... Done, class StartShape, class... Current, std::size_t first,
          std::size_t position, class S, class Next, class... Rest>
struct cut<mp::mp_list<Done...>, mp::mp_list<StartShape, Current...>, first, position, S, Next,
           Rest...> {
  using After = ResultShape<Next, S>;
  static constexpr bool same_block = sizeof...(Current) == 0 || joins<Next, S>;

  template <bool, class...> struct go;
  template <class... R> struct go<true, R...> {
    using type = typename cut<mp::mp_list<Done...>, mp::mp_list<StartShape, Current..., Next>,
                              first, position + 1, After, R...>::type;
  };
  template <class... R> struct go<false, R...> {
    using type = typename cut<
        mp::mp_list<Done..., Block<Sequential<Current...>, StartShape, first>>,
        mp::mp_list<S, Next>, position, position + 1, After, R...>::type;
  };
  using type = typename go<same_block, Rest...>::type;
};

template <class Net, bool valid> struct blocks_of {
  using type = mp::mp_list<>;
};
template <class In, class... Layers> struct blocks_of<Network<In, Layers...>, true> {
  using S = typename In::sample;
  using type = typename cut<mp::mp_list<>, mp::mp_list<S>, 0, 0, S, Layers...>::type;
};

}  // namespace detail

/// The blocks of a network, as a list of Block types; empty if the network has a mistake.
template <class Net> using Blocks = typename detail::blocks_of<Net, Net::valid>::type;

/// The tape all others of a block are made from.
template <class Layers, class S> struct FormulaTape {
  constexpr Tape operator()() const {
    return with_distinct_outputs(with_vector_layout(tidied(lower<Layers, S>(), true)));
  }
};

namespace detail {
/// What a formula reads in inference: x alone, and one sample at a time.
template <class AnyTape> constexpr bool reads_one_sample(const AnyTape& tape) {
  for (const Instruction& i : tape.code) {
    if (i.op == Op::input && i.attr.index != 0) return false;
    if (i.attr.over_batch) return false;
  }
  return true;
}
/// What a formula gives buffers in training: values that are not those of a sample.
template <class AnyTape> constexpr bool renews_for_all(const AnyTape& tape) {
  for (std::size_t k = 1; k < tape.outputs.size(); ++k) {
    if (tape[tape.outputs[k]].batched) return false;
  }
  return true;
}
template <bool ok, class Layers> inline constexpr bool phases_apart = ok;

template <class Layers, class S>
inline constexpr auto formula_tape = [] {
  constexpr auto tape = freeze<FormulaTape<Layers, S>{}>();
  static_assert(phases_apart<reads_one_sample(tape), Layers>,
                "etch: random numbers, sample weights and sums over the batch belong to training: "
                "by_phase(training, inference)");
  return tape;
}();
}  // namespace detail

/// The formula in training, where it is another one; outputs: y, then new values of the buffers.
template <class Layers, class S> struct TrainingFormulaTape {
  constexpr Tape operator()() const {
    const std::vector<ParameterInfo> table = detail::formula_tape<Layers, S>.thaw().parameters;
    Tape tape = tidied(lower<Layers, S>(1, Phase::training, table), true);
    for (ParameterInfo& p : tape.parameters) p.transposed = false;
    return with_vector_layout(tape);
  }
  static constexpr Room room() {
    return {3 * detail::formula_tape<Layers, S>.size() + 16,
            detail::formula_tape<Layers, S>.parameters.size() + 4};
  }
};

namespace detail {
template <class Layers, class S>
inline constexpr auto training_formula_tape = [] {
  constexpr auto tape = freeze<TrainingFormulaTape<Layers, S>{}>();
  static_assert(phases_apart<renews_for_all(tape), Layers>,
                "etch: a buffer is renewed by one value for all samples, such as a sum over the "
                "batch");
  return tape;
}();

template <class Layers, class S> constexpr const auto& training_formula() {
  if constexpr (formula_tape<Layers, S>.by_phase) {
    constexpr const auto& tape = training_formula_tape<Layers, S>;
    static_assert(tape.parameters == formula_tape<Layers, S>.parameters,
                  "etch: training and inference use the same parameters in the same way");
    return tape;
  } else {
    return formula_tape<Layers, S>;
  }
}

/// Room for a tape with `times` the instructions of the formula's.
template <class Layers, class S> constexpr Room room_of_formula(std::size_t times) {
  constexpr const auto& formula = training_formula<Layers, S>();
  return {times * formula.size(), formula.parameters.size() + formula.outputs.size() + 6};
}

template <class Layers, class S> constexpr Tape batched_tape(std::size_t batch) {
  Tape tape = training_formula<Layers, S>().thaw();
  tape.batch = batch;
  return tape;
}
}  // namespace detail

/// Inputs: x. Outputs: y.
template <class Layers, class S, std::size_t batch> struct InferenceTape {
  constexpr auto operator()() const {
    auto tape = detail::formula_tape<Layers, S>;
    tape.batch = batch;
    return tape;
  }
};

template <class Layers, class S, std::size_t batch, bool wants_input_gradient> struct JointTape {
  constexpr Tape operator()() const {
    return joint_tape(detail::batched_tape<Layers, S>(batch), wants_input_gradient);
  }
  static constexpr Room room() { return detail::room_of_formula<Layers, S>(3); }
};

namespace detail {
/// Differentiated once, for both halves.
template <class Layers, class S, std::size_t batch, bool wants_input_gradient>
inline constexpr auto frozen_joint =
    freeze<JointTape<Layers, S, batch, wants_input_gradient>{}>();
}  // namespace detail

/// See TrainingTapes for inputs and outputs.
template <class Layers, class S, std::size_t batch, bool wants_input_gradient> struct ForwardTape {
  constexpr Tape operator()() const {
    constexpr const auto& joint = detail::frozen_joint<Layers, S, batch, wants_input_gradient>;
    return with_distinct_outputs(forward_half(joint.thaw()));
  }
  static constexpr Room room() { return detail::room_of_formula<Layers, S>(3); }
};

template <class Layers, class S, std::size_t batch, bool wants_input_gradient> struct BackwardTape {
  constexpr Tape operator()() const {
    constexpr const auto& joint = detail::frozen_joint<Layers, S, batch, wants_input_gradient>;
    return with_distinct_outputs(backward_half(joint.thaw()));
  }
  static constexpr Room room() { return detail::room_of_formula<Layers, S>(3); }
};

/// A parameter of a network: its row, and where it lies in `Parameters`.
struct PlacedParameter {
  ParameterInfo info;
  std::size_t offset = 0;  ///< floats
};

namespace detail {

/// "1.weight" of a block whose first layer is layer 4 is "5.weight" of the network.
constexpr Name renumbered(const Name& name, std::size_t first_layer) {
  std::size_t position = 0, i = 0;
  for (; i < name.length && name.text[i] >= '0' && name.text[i] <= '9'; ++i) {
    position = position * 10 + static_cast<std::size_t>(name.text[i] - '0');
  }
  Name result = position_name(position + first_layer);
  result.append(name.view().substr(i));
  return result;
}

template <class B> constexpr std::size_t block_parameters() {
  return formula_tape<typename B::layers, typename B::input>.parameters.size();
}
template <class B> constexpr ParameterFloats block_floats() {
  return parameter_floats(formula_tape<typename B::layers, typename B::input>);
}

/// What is trained lies before what is not, so that an optimizer takes one stretch of memory.
template <class List> struct block_table;
template <class... B> struct block_table<mp::mp_list<B...>> {
  static constexpr std::size_t count = (std::size_t{0} + ... + block_parameters<B>());
  static constexpr ParameterFloats floats = {(std::size_t{0} + ... + block_floats<B>().trained),
                                             (std::size_t{0} + ... + block_floats<B>().fixed)};

  static constexpr auto make() {
    std::array<PlacedParameter, count> table{};
    std::size_t row = 0, trained = 0, fixed = floats.trained;
    const auto add = [&](const auto& tape, std::size_t first_layer) {
      for (const ParameterInfo& info : tape.parameters) {
        std::size_t& offset = info.role == Role::trained ? trained : fixed;
        table[row].info = info;
        table[row].info.name = renumbered(info.name, first_layer);
        table[row++].offset = offset;
        offset += round_to_line(info.shape.size());
      }
    };
    (add(formula_tape<typename B::layers, typename B::input>, B::first_layer), ...);
    return table;
  }

  /// Where the parameters of each block start, in floats.
  static constexpr auto starts() {
    std::array<ParameterFloats, sizeof...(B)> result{};
    std::size_t i = 0;
    ParameterFloats offset{0, floats.trained};
    const auto add = [&](ParameterFloats size) {
      result[i++] = offset;
      offset.trained += size.trained;
      offset.fixed += size.fixed;
    };
    (add(block_floats<B>()), ...);
    return result;
  }
};

}  // namespace detail

/// All parameters of a network, in the order of its layers.
template <class Net>
inline constexpr auto parameter_table = detail::block_table<Blocks<Net>>::make();

/// Floats that the parameters take in memory, each tensor on a cache line of its own.
template <class Net>
inline constexpr std::size_t parameter_floats_of = [] {
  constexpr ParameterFloats floats = detail::block_table<Blocks<Net>>::floats;
  return floats.trained + floats.fixed;
}();

/// ... and those of them that an optimizer changes; they come first.
template <class Net>
inline constexpr std::size_t trained_floats_of = detail::block_table<Blocks<Net>>::floats.trained;

/// Parameters of a network, without its buffers: what PyTorch's `sum(p.numel() for p in
/// net.parameters())` counts.
template <class Net>
inline constexpr std::size_t parameter_count = [] {
  std::size_t n = 0;
  for (const PlacedParameter& p : parameter_table<Net>) {
    if (p.info.role != Role::buffer) n += p.info.shape.size();
  }
  return n;
}();

/// Numbers of all tensors of a network: parameters and buffers, without the gaps between them.
template <class Net>
inline constexpr std::size_t tensor_floats = [] {
  std::size_t n = 0;
  for (const PlacedParameter& p : parameter_table<Net>) n += p.info.shape.size();
  return n;
}();

/// Floating-point operations of the inference of one sample; a multiply-add counts as two.
template <class Net>
inline constexpr std::size_t flops_of = [] {
  return []<class... B>(mp::mp_list<B...>) {
    return (std::size_t{0} + ... +
            flops(detail::formula_tape<typename B::layers, typename B::input>.thaw()));
  }(Blocks<Net>{});
}();

}  // namespace etch
