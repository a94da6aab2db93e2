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

#include "etch/network/parameter_table.hpp"
#include "etch/network/trained_block.hpp"
#include "etch/network/trained_recurrence.hpp"
#include "etch/network/training_tapes.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

/// Runs the loss of a batch. Inputs: predictions, targets, a weight a sample. Outputs: the weighted
/// sum of the losses, and its gradient for the predictions.
template <class Loss, class S, std::size_t batch>
using LossRoutine = Routine<LossTape<Loss, S, batch>>;

namespace detail {
template <class Block, std::size_t batch, bool first> struct training_of_block;
template <class Layers, class S, std::size_t at, std::size_t batch, bool first>
struct training_of_block<Block<Layers, S, at>, batch, first> {
  using type = TrainedBlock<Layers, S, batch, first>;
};
template <class R, class S, std::size_t at, std::size_t batch, bool first>
struct training_of_block<RecurrentBlock<R, S, at>, batch, first> {
  using type = TrainedRecurrence<RecurrentBlock<R, S, 0>, batch, first>;
};

/// Whether two blocks differ in nothing but their places.
template <class A, class B>
inline constexpr bool equal_blocks =
    std::is_same_v<typename training_of_block<A, 1, false>::type,
                   typename training_of_block<B, 1, false>::type>;
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

  /// Where nothing is trained before a block, nobody asks for the gradient of its input. It is
  /// computed all the same if there is an equal block further on: that is a percent or two of a
  /// step, and half of what the blocks would cost the compiler if they were two.
  template <class One, std::size_t at> static constexpr bool without_input_gradient() {
    constexpr bool trains = etch::detail::parameters_of_block<One>::floats.trained != 0;
    if constexpr (starts[at].trained != 0) return false;
    else if constexpr (!trains) return true;
    else return !((starts[i].trained != 0 && detail::equal_blocks<One, B>) || ...);
  }
  static constexpr std::array without = {without_input_gradient<B, i>()...};
  using Trained =
      mp::mp_list<typename detail::training_of_block<B, batch, without[i]>::type...>;
  template <std::size_t j> using Block = mp::mp_at_c<Trained, j>;
  using LossOf = LossRoutine<Loss, OutputShape<Net>, batch>;

  /// Where the slots of each block start in `offsets`.
  static constexpr auto first = []<class... T>(mp::mp_list<T...>) {
    std::array<std::size_t, count + 1> at{};
    ((at[i + 1] = at[i] + detail::first_kept + T::kept.size()), ...);
    return at;
  }(Trained{});

  template <class T>
  static constexpr void add_lives(std::vector<Lifetime>& lives, std::size_t block) {
    const std::size_t back = 2 * count - block;
    const std::size_t end = block + 1 < count ? back : 2 * count + 1;  // predictions are asked for
    lives.push_back({.floats = T::floats, .first = block, .last = end});
    lives.push_back({.floats = T::floats, .first = back - 1, .last = back});
    lives.push_back({.floats = T::scratch, .first = block, .last = block});
    lives.push_back({.floats = T::scratch_back, .first = back, .last = back});
    for (const std::size_t floats : T::kept) {
      lives.push_back({.floats = floats, .first = block, .last = back});
    }
  }

  /// Of all slots, then of the loss's scratch area and of the gradient of x; last the size of all.
  static constexpr auto offsets = []<class... T>(mp::mp_list<T...>) {
    std::vector<Lifetime> lives;
    (add_lives<T>(lives, i), ...);
    lives.push_back({.floats = LossOf::workspace, .first = count, .last = count});
    lives.push_back({.floats = without[0] ? 0 : batch * InputShape<Net>::size,
                     .first = 2 * count,
                     .last = 2 * count});
    const Layout layout = lay_out(lives);
    std::array<std::size_t, first[count] + 3> at{};
    etch::detail::copy_all(layout.offsets, at);
    at[first[count] + 2] = layout.floats;
    return at;
  }(Trained{});

 public:
  /// Working memory, in floats.
  static constexpr std::size_t workspace = offsets[first[count] + 2];

  /// Bytes: see Routine.
  static constexpr std::size_t stack = std::max({LossOf::stack, Block<i>::stack...});

  /// Keys of random numbers that a step wants, whole numbers below 2^24: two a block, if any.
  static constexpr std::size_t keys = (Block<i>::draws || ...) ? 2 * count : 0;

  /// x: [batch, input], target: [batch, target], weight: [batch], which adds up to one. Returns the
  /// sum of weight * loss as in inference.
  static float evaluate(const float* parameters, const float* x, const float* target,
                        const float* weight, float* memory) noexcept {
    const auto call = [&](std::size_t block) {
      return call_of(block, parameters, x, weight, nullptr, memory);
    };
    (Block<i>::run_evaluation(call(i)), ...);
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
    (Block<i>::run_forward(call(i)), ...);
    const float total = loss(target, weight, memory);
    (Block<count - 1 - i>::run_backward(
         call(count - 1 - i), gradients + starts[count - 1 - i].trained,
         gradients + starts[count - 1 - i].fixed, input_gradient_of(count - 1 - i, memory)),
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
    if (block != 0) return memory + slots_of(block - 1)[detail::gradient];
    return without[0] ? nullptr : memory + offsets[first[count] + 1];
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
