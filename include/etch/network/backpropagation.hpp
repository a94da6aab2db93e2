// SPDX-License-Identifier: BSL-1.0
// Forward through the blocks of a network, the loss, and back.
#if defined(ETCH_NETWORK_BACKPROPAGATION_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_BACKPROPAGATION_HPP
#undef ETCH_NETWORK_BACKPROPAGATION_HPP
#else
#define ETCH_NETWORK_BACKPROPAGATION_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "etch/network/blocks.hpp"
#include "etch/network/emit.hpp"
#include "etch/network/training_tapes.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

/// Runs the loss of a batch. Inputs: predictions, targets, a weight a sample. Outputs: the weighted
/// sum of the losses, and its gradient for the predictions.
template <class Loss, class S, std::size_t batch>
using LossRoutine = Routine<LossTape<Loss, S, batch>>;

namespace detail {

template <class Source> struct RoutineOf {
  using type = Routine<Source>;
};

/// A block of a network in training, wherever it stands; `first` of those in which something is
/// trained.
template <class Layers, class S, std::size_t batch, bool first> struct TrainedBlock {
  using Forward = Routine<ForwardTape<Layers, S, batch, !first>>;
  using Backward = Routine<BackwardTape<Layers, S, batch, !first>>;

  /// The forward pass of those who only ask for the loss.
  static constexpr bool by_phase = formula_tape<Layers, S>.by_phase;
  using Evaluation =
      typename std::conditional_t<by_phase, RoutineOf<InferenceTape<Layers, S, batch>>,
                                  RoutineOf<ForwardTape<Layers, S, batch, !first>>>::type;

  static constexpr std::size_t floats = batch * ResultShape<Layers, S>::size;
  static constexpr std::size_t kept = Forward::tape.outputs.size() - 1;
  static constexpr std::size_t scratch = std::max(Forward::workspace, Evaluation::workspace);

  /// Whether a step draws random numbers.
  static constexpr bool draws = std::ranges::any_of(
      training_formula<Layers, S>().code,
      [](const Instruction& i) { return i.op == Op::random; });

  /// The rows of the table that a step writes: all but the frozen ones.
  static constexpr auto rows = [] {
    constexpr std::size_t count = Backward::tape.outputs.size() - (first ? 0 : 1);
    std::array<std::size_t, count> result{};
    std::size_t i = 0;
    for (std::size_t row = 0; row < Backward::tape.parameters.size(); ++row) {
      if (Backward::tape.parameters[row].role != Role::frozen) result[i++] = row;
    }
    return result;
  }();
};

/// What a block has in the workspace: y, its gradient, two scratch areas, then what is kept of the
/// way forward.
enum Slot : std::size_t { result, gradient, forward_scratch, backward_scratch, first_kept };

// The names of these functions hold one block, not the network: names as long as a deep network,
// one for each of its blocks, are what compilers would spend their time on.

/// What a block reads and where it works. `at`: offsets of its slots in `memory`.
struct BlockCall {
  const float* x;
  const float* weight;  ///< of each sample
  const float* keys;    ///< two, of random numbers
  const float* parameters;
  const float* fixed;
  float* memory;
  const std::size_t* at;
};

template <class R, std::size_t... k>
HWY_INLINE void run_forward(const BlockCall& b, std::index_sequence<k...>) noexcept {
  const float* const inputs[] = {b.x, nullptr, nullptr, b.weight, b.keys};
  float* const outputs[] = {b.memory + b.at[result], b.memory + b.at[first_kept + k]...};
  R::run({inputs, b.parameters, outputs, b.memory + b.at[forward_scratch], b.fixed});
}

template <class B> void run_forward(const BlockCall& b) noexcept {
  run_forward<typename B::Forward>(b, std::make_index_sequence<B::kept>{});
}

/// Only for the result.
template <class B> void run_evaluation(const BlockCall& b) noexcept {
  constexpr std::size_t kept = B::Evaluation::tape.outputs.size() - 1;
  run_forward<typename B::Evaluation>(b, std::make_index_sequence<kept>{});
}

/// Writes gradients, and new values of buffers to `renewed`. dx is null where nobody asks for the
/// gradient of x.
template <class B>
void run_backward(const BlockCall& b, float* gradients, float* renewed, float* dx) noexcept {
  constexpr const auto& tape = B::Backward::tape;
  [&]<std::size_t... k, std::size_t... i>(std::index_sequence<k...>,
                                          std::index_sequence<i...>) HWY_ATTR {
    const float* const inputs[] = {b.x, b.memory + b.at[gradient], b.memory + b.at[result],
                                   b.weight, b.keys, b.memory + b.at[first_kept + k]...};
    float* const outputs[] = {
        (tape.parameters[B::rows[i]].role == Role::trained ? gradients : renewed) +
            parameter_offset(tape, B::rows[i])...,
        dx};
    B::Backward::run({inputs, b.parameters, outputs, b.memory + b.at[backward_scratch], b.fixed});
  }(std::make_index_sequence<B::kept>{}, std::make_index_sequence<B::rows.size()>{});
}

}  // namespace detail

template <class Net, class Loss, std::size_t batch, class List = Blocks<Net>,
          class Indices = std::make_index_sequence<mp::mp_size<List>::value>>
class Backpropagation;

/// The gradient of the loss of a batch for all parameters.
///
/// Time runs 0 .. n - 1 forward through the n blocks, n is the loss, n + 1 .. 2n go back through
/// block n - 1 .. 0. What a block computes lives until its own way back.
template <class Net, class Loss, std::size_t batch, class... B, std::size_t... i>
class Backpropagation<Net, Loss, batch, mp::mp_list<B...>, std::index_sequence<i...>> {
  static constexpr std::size_t count = sizeof...(B);
  static constexpr auto starts = etch::detail::block_table<mp::mp_list<B...>>::starts();

  /// Where nothing is trained before a block, nobody asks for the gradient of its input.
  using Trained = mp::mp_list<detail::TrainedBlock<typename B::layers, typename B::input, batch,
                                                   starts[i].trained == 0>...>;
  template <std::size_t j> using Block = mp::mp_at_c<Trained, j>;
  using LossOf = LossRoutine<Loss, OutputShape<Net>, batch>;

  /// Where the slots of each block start in `offsets`.
  static constexpr auto first = []<class... T>(mp::mp_list<T...>) {
    std::array<std::size_t, count + 1> at{};
    ((at[i + 1] = at[i] + detail::first_kept + T::kept), ...);
    return at;
  }(Trained{});

  template <class T>
  static constexpr void add_lives(std::vector<Lifetime>& lives, std::size_t block) {
    const std::size_t back = 2 * count - block;
    const std::size_t end = block + 1 < count ? back : 2 * count + 1;  // predictions are asked for
    lives.push_back({.floats = T::floats, .first = block, .last = end});
    lives.push_back({.floats = T::floats, .first = back - 1, .last = back});
    lives.push_back({.floats = T::scratch, .first = block, .last = block});
    lives.push_back({.floats = T::Backward::workspace, .first = back, .last = back});
    for (std::size_t k = 0; k < T::kept; ++k) {
      const Instruction& value = T::Forward::tape[T::Forward::tape.outputs[k + 1]];
      const std::size_t samples = value.batched ? batch : 1;
      lives.push_back({.floats = samples * value.shape.size(), .first = block, .last = back});
    }
  }

  /// Of all slots, then of the loss's scratch area; last the size of all.
  static constexpr auto offsets = []<class... T>(mp::mp_list<T...>) {
    std::vector<Lifetime> lives;
    (add_lives<T>(lives, i), ...);
    lives.push_back({.floats = LossOf::workspace, .first = count, .last = count});
    const Layout layout = lay_out(lives);
    std::array<std::size_t, first[count] + 2> at{};
    etch::detail::copy_all(layout.offsets, at);
    at[first[count] + 1] = layout.floats;
    return at;
  }(Trained{});

 public:
  /// Working memory, in floats.
  static constexpr std::size_t workspace = offsets[first[count] + 1];

  /// Keys of random numbers that a step wants, whole numbers below 2^24: two a block, if any.
  static constexpr std::size_t keys = (Block<i>::draws || ...) ? 2 * count : 0;

  /// x: [batch, input], target: [batch, target], weight: [batch], which adds up to one. Returns the
  /// sum of weight * loss as in inference.
  static float evaluate(const float* parameters, const float* x, const float* target,
                        const float* weight, float* memory) noexcept {
    const auto call = [&](std::size_t block) {
      return call_of(block, parameters, x, weight, nullptr, memory);
    };
    (detail::run_evaluation<Block<i>>(call(i)), ...);
    return loss(target, weight, memory);
  }

  /// The same in training; also writes the gradient of that sum, and the new values of buffers, to
  /// `gradients`, laid out as the parameters. What stands there for frozen ones stays.
  static float run(const float* parameters, const float* x, const float* target,
                   const float* weight, const float* key, float* gradients,
                   float* memory) noexcept {
    const auto call = [&](std::size_t block) {
      return call_of(block, parameters, x, weight, keys == 0 ? nullptr : key + 2 * block, memory);
    };
    (detail::run_forward<Block<i>>(call(i)), ...);
    const float total = loss(target, weight, memory);
    (detail::run_backward<Block<count - 1 - i>>(
         call(count - 1 - i),
         gradients + starts[count - 1 - i].trained, gradients + starts[count - 1 - i].fixed,
         input_gradient_of(count - 1 - i, memory)),
     ...);
    return total;
  }

  /// The predictions of the last batch: [batch, output].
  static const float* predictions(const float* memory) noexcept {
    return memory + slots_of(count - 1)[detail::result];
  }

 private:
  static HWY_INLINE const std::size_t* slots_of(std::size_t block) {
    return offsets.data() + first[block];
  }
  static HWY_INLINE detail::BlockCall call_of(std::size_t block, const float* parameters,
                                              const float* x, const float* weight,
                                              const float* keys_of_block, float* memory) {
    return {block == 0 ? x : memory + slots_of(block - 1)[detail::result],
            weight,
            keys_of_block,
            parameters + starts[block].trained,
            parameters + starts[block].fixed,
            memory,
            slots_of(block)};
  }
  static HWY_INLINE float* input_gradient_of(std::size_t block, float* memory) {
    return block == 0 ? nullptr : memory + slots_of(block - 1)[detail::gradient];
  }

  static HWY_INLINE float loss(const float* target, const float* weight, float* memory) noexcept {
    alignas(64) float total = 0;
    const float* const inputs[] = {predictions(memory), target, weight};
    float* const outputs[] = {&total, memory + slots_of(count - 1)[detail::gradient]};
    LossOf::run({inputs, nullptr, outputs, memory + offsets[first[count]]});
    return total;
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
