// SPDX-License-Identifier: BSL-1.0
// Forward through the blocks of a network, the loss, and back.
#if defined(ETCH_NETWORK_BACKPROPAGATION_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_BACKPROPAGATION_HPP
#undef ETCH_NETWORK_BACKPROPAGATION_HPP
#else
#define ETCH_NETWORK_BACKPROPAGATION_HPP
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
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

template <class Net, class Loss, std::size_t batch, class List = Blocks<Net>> class Backpropagation;

/// The gradient of the loss of a batch for all parameters.
///
/// Time runs 0 .. n - 1 forward through the n blocks, n is the loss, n + 1 .. 2n go back through
/// block n - 1 .. 0. What a block computes lives until its own way back.
template <class Net, class Loss, std::size_t batch, class... B>
class Backpropagation<Net, Loss, batch, mp::mp_list<B...>> {
  static constexpr std::size_t count = sizeof...(B);
  using List = mp::mp_list<B...>;

  template <class Block, bool first>
  using ForwardOf =
      Routine<ForwardTape<typename Block::layers, typename Block::input, batch, !first>>;
  template <class Block, bool first>
  using BackwardOf =
      Routine<BackwardTape<typename Block::layers, typename Block::input, batch, !first>>;
  template <std::size_t i> using Forward = ForwardOf<mp::mp_at_c<List, i>, i == 0>;
  template <std::size_t i> using Backward = BackwardOf<mp::mp_at_c<List, i>, i == 0>;
  using LossOf = LossRoutine<Loss, OutputShape<Net>, batch>;

  /// y, its gradient, two scratch areas, then what is kept: places of block i start at first[i].
  enum Slot : std::size_t { result, gradient, forward_scratch, backward_scratch, kept };

  template <std::size_t i> static constexpr std::size_t kept_count() {
    return Forward<i>::tape.outputs.size() - 1;
  }

  static constexpr auto first = [] {
    std::array<std::size_t, count + 1> at{};
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      ((at[i + 1] = at[i] + kept + kept_count<i>()), ...);
    }(std::make_index_sequence<count>{});
    return at;
  }();

  template <std::size_t i> static constexpr void add_lives(std::vector<Lifetime>& lives) {
    constexpr std::size_t back = 2 * count - i;
    constexpr std::size_t floats = batch * mp::mp_at_c<List, i>::output::size;
    lives.push_back({.floats = floats, .first = i, .last = i + 1 < count ? back : 2 * count + 1});
    lives.push_back({.floats = floats, .first = back - 1, .last = back});
    lives.push_back({.floats = Forward<i>::workspace, .first = i, .last = i});
    lives.push_back({.floats = Backward<i>::workspace, .first = back, .last = back});
    for (std::size_t k = 0; k < kept_count<i>(); ++k) {
      const Instruction& value = Forward<i>::tape[Forward<i>::tape.outputs[k + 1]];
      const std::size_t samples = value.batched ? batch : 1;
      lives.push_back({.floats = samples * value.shape.size(), .first = i, .last = back});
    }
  }

  static constexpr auto offsets = [] {
    std::vector<Lifetime> lives;
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (add_lives<i>(lives), ...);
    }(std::make_index_sequence<count>{});
    lives.push_back({.floats = LossOf::workspace, .first = count, .last = count});
    const Layout layout = lay_out(lives);
    std::array<std::size_t, first[count] + 2> at{};
    etch::detail::copy_all(layout.offsets, at);
    at[first[count] + 1] = layout.floats;
    return at;
  }();

  static constexpr auto starts = etch::detail::block_table<List>::starts();

 public:
  /// Working memory, in floats.
  static constexpr std::size_t workspace = offsets[first[count] + 1];

  /// x: [batch, input], target: [batch, target], weight: [batch]. Returns the sum of weight * loss.
  static float evaluate(const float* parameters, const float* x, const float* target,
                        const float* weight, float* memory) noexcept {
    [&]<std::size_t... i>(std::index_sequence<i...>) HWY_ATTR {
      (forward<i>(parameters, x, memory), ...);
    }(std::make_index_sequence<count>{});
    return loss(target, weight, memory);
  }

  /// ... and writes the gradient of that sum to `gradients`, laid out as the parameters.
  static float run(const float* parameters, const float* x, const float* target,
                   const float* weight, float* gradients, float* memory) noexcept {
    const float total = evaluate(parameters, x, target, weight, memory);
    [&]<std::size_t... i>(std::index_sequence<i...>) HWY_ATTR {
      (backward<count - 1 - i>(parameters, x, gradients, memory), ...);
    }(std::make_index_sequence<count>{});
    return total;
  }

  /// The predictions of the last batch: [batch, output].
  static const float* predictions(const float* memory) noexcept {
    return memory + offset<count - 1>(result);
  }

 private:
  template <std::size_t i> static constexpr std::size_t offset(std::size_t slot) {
    return offsets[first[i] + slot];
  }
  template <std::size_t i>
  static HWY_INLINE const float* block_input(const float* x, float* memory) {
    if constexpr (i == 0) return x;
    else return memory + offset<i - 1>(result);
  }

  template <std::size_t i>
  static HWY_INLINE void forward(const float* parameters, const float* x, float* memory) noexcept {
    const float* const inputs[] = {block_input<i>(x, memory)};
    [&]<std::size_t... k>(std::index_sequence<k...>) HWY_ATTR {
      float* const outputs[] = {memory + offset<i>(result), memory + offset<i>(kept + k)...};
      Forward<i>::run(
          {inputs, parameters + starts[i], outputs, memory + offset<i>(forward_scratch)});
    }(std::make_index_sequence<kept_count<i>()>{});
  }

  static HWY_INLINE float loss(const float* target, const float* weight, float* memory) noexcept {
    alignas(64) float total = 0;
    const float* const inputs[] = {predictions(memory), target, weight};
    float* const outputs[] = {&total, memory + offset<count - 1>(gradient)};
    LossOf::run({inputs, nullptr, outputs, memory + offsets[first[count]]});
    return total;
  }

  template <std::size_t i>
  static HWY_INLINE void backward(const float* parameters, const float* x, float* gradients,
                                  float* memory) noexcept {
    constexpr std::size_t rows = Backward<i>::tape.parameters.size();
    [&]<std::size_t... k, std::size_t... p>(std::index_sequence<k...>,
                                            std::index_sequence<p...>) HWY_ATTR {
      const float* const inputs[] = {block_input<i>(x, memory), memory + offset<i>(gradient),
                                     memory + offset<i>(result), memory + offset<i>(kept + k)...};
      float* const outputs[] = {
          gradients + starts[i] + parameter_offset(Backward<i>::tape, p)...,
          i == 0 ? nullptr : memory + offset<i == 0 ? 0 : i - 1>(gradient)};
      Backward<i>::run(
          {inputs, parameters + starts[i], outputs, memory + offset<i>(backward_scratch)});
    }(std::make_index_sequence<kept_count<i>()>{}, std::make_index_sequence<rows>{});
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
