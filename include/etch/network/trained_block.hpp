// SPDX-License-Identifier: BSL-1.0
// One block of a network in training: forward, which keeps what is needed later, and back.
#if defined(ETCH_NETWORK_TRAINED_BLOCK_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_TRAINED_BLOCK_HPP
#undef ETCH_NETWORK_TRAINED_BLOCK_HPP
#else
#define ETCH_NETWORK_TRAINED_BLOCK_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "etch/network/block_tapes.hpp"
#include "etch/network/emit.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace detail {

/// What a block has in the workspace: y, its gradient, two scratch areas, then what is kept of the
/// way forward.
enum Slot : std::size_t { result, gradient, forward_scratch, backward_scratch, first_kept };

/// What a block reads and where it works. `at`: offsets of its slots in `memory`.
struct BlockCall {
  const float* x;
  const float* weight;  ///< of each sample
  const float* keys;    ///< two, of random numbers
  const float* parameters;
  const float* fixed;
  float* memory;
  const std::size_t* at;

  float* operator[](std::size_t slot) const { return memory + at[slot]; }
};

template <class Source> struct RoutineOf {
  using type = Routine<Source>;
};

/// A block of layers in training, wherever it stands; `first` of those in which something is
/// trained. The names of its functions hold one block, not the network: names as long as a deep
/// network, one for each of its blocks, are what compilers would spend their time on.
template <class Layers, class S, std::size_t batch, bool first> class TrainedBlock {
 public:
  using Forward = Routine<ForwardTape<Layers, S, batch, !first>>;
  using Backward = Routine<BackwardTape<Layers, S, batch, !first>>;

 private:
  /// The forward pass of those who only ask for the loss.
  static constexpr bool by_phase = formula_tape<Layers, S>.origin.by_phase;
  using Evaluation =
      typename std::conditional_t<by_phase, RoutineOf<InferenceTape<Layers, S, batch>>,
                                  RoutineOf<ForwardTape<Layers, S, batch, !first>>>::type;

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

 public:
  /// Floats of the result, of each kept value, and of scratch areas.
  static constexpr std::size_t floats = batch * ResultShape<Layers, S>::size;
  static constexpr auto kept = [] {
    std::array<std::size_t, Forward::tape.outputs.size() - 1> sizes{};
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      const Instruction& value = Forward::tape[Forward::tape.outputs[k + 1]];
      sizes[k] = (value.batched ? batch : 1) * value.shape.size();
    }
    return sizes;
  }();
  static constexpr std::size_t scratch = std::max(Forward::workspace, Evaluation::workspace);
  static constexpr std::size_t scratch_back = Backward::workspace;

  /// Bytes: see Routine.
  static constexpr std::size_t stack =
      std::max({Forward::stack, Backward::stack, Evaluation::stack}) +
      (kept.size() + rows.size() + 8) * sizeof(float*);

  /// Whether a step draws random numbers.
  static constexpr bool draws = std::ranges::any_of(
      training_formula<Layers, S>().code,
      [](const Instruction& i) { return i.op == Op::random; });

  static void run_forward(const BlockCall& b) noexcept {
    run<Forward>(b, std::make_index_sequence<kept.size()>{});
  }

  /// Only for the result.
  static void run_evaluation(const BlockCall& b) noexcept {
    run<Evaluation>(b, std::make_index_sequence<Evaluation::tape.outputs.size() - 1>{});
  }

  /// Writes gradients, and new values of buffers to `renewed`. dx is null where nobody asks for the
  /// gradient of x.
  static void run_backward(const BlockCall& b, float* gradients, float* renewed,
                           float* dx) noexcept {
    constexpr const auto& tape = Backward::tape;
    [&]<std::size_t... k, std::size_t... i>(std::index_sequence<k...>,
                                            std::index_sequence<i...>) HWY_ATTR {
      const float* const inputs[] = {b.x, b[gradient], b[result], b.weight, b.keys,
                                     b[first_kept + k]...};
      float* const outputs[] = {
          (tape.parameters[rows[i]].role == Role::trained ? gradients : renewed) +
              parameter_offset(tape, rows[i])...,
          dx};
      Backward::run({inputs, b.parameters, outputs, b[backward_scratch], b.fixed});
    }(std::make_index_sequence<kept.size()>{}, std::make_index_sequence<rows.size()>{});
  }

 private:
  template <class R, std::size_t... k>
  static HWY_INLINE void run(const BlockCall& b, std::index_sequence<k...>) noexcept {
    const float* const inputs[] = {b.x, nullptr, nullptr, b.weight, b.keys};
    float* const outputs[] = {b[result], b[first_kept + k]...};
    R::run({inputs, b.parameters, outputs, b[forward_scratch], b.fixed});
  }
};

}  // namespace detail
}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
