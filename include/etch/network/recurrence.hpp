// SPDX-License-Identifier: BSL-1.0
// Recurrences in inference: a routine for one step, and a loop over it.
#if defined(ETCH_NETWORK_RECURRENCE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_RECURRENCE_HPP
#undef ETCH_NETWORK_RECURRENCE_HPP
#else
#define ETCH_NETWORK_RECURRENCE_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "etch/network/blocks.hpp"
#include "etch/network/emit.hpp"
#include "etch/network/step_tapes.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

/// One step of a cell C on inputs of shape S, for `batch` samples. x: [batch, S], y: [batch, ..];
/// states: the caller's, each [batch, ..] on a cache line of its own, zero at first.
template <class C, class S, std::size_t batch> class CellStep {
  using Run = Routine<StepTape<C, S, batch>>;
  static constexpr std::size_t count = Run::tape.outputs.size() - 1;

  /// Where each state starts, and last where they end.
  static constexpr auto at = [] {
    std::array<std::size_t, count + 1> result{};
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t size = Run::tape[Run::tape.outputs[k + 1]].shape.size();
      result[k + 1] = result[k] + round_to_line(batch * size);
    }
    return result;
  }();

  /// Whether the new state k may be written over the old one.
  static constexpr auto in_place = [] {
    std::array<bool, count> result{};
    for (std::size_t k = 0; k < count; ++k) result[k] = may_share(Run::program, k + 1, k + 1);
    return result;
  }();

  static constexpr bool all_in_place = std::ranges::count(in_place, false) == 0;
  static constexpr std::size_t routine_floats = round_to_line(Run::workspace);

  /// States that are not renewed in place come by way of the workspace.
  template <std::size_t... k>
  static HWY_INLINE void take_over(const float* next, float* states, std::index_sequence<k...>) {
    ((in_place[k] ? nullptr : std::copy_n(next + at[k], at[k + 1] - at[k], states + at[k])), ...);
  }

 public:
  static constexpr std::size_t state_floats = at[count];
  static constexpr std::size_t workspace = routine_floats + (all_in_place ? 0 : state_floats);
  static constexpr std::size_t stack = Run::stack + 2 * (count + 1) * sizeof(float*);

  static HWY_INLINE void run(const float* x, float* y, float* states, const float* parameters,
                             const float* fixed, float* memory) noexcept {
    float* const next = memory + routine_floats;
    const float* inputs[count + 1] = {x};
    float* outputs[count + 1] = {y};
    for (std::size_t k = 0; k < count; ++k) {
      inputs[k + 1] = states + at[k];
      outputs[k + 1] = (in_place[k] ? states : next) + at[k];
    }
    Run::run({inputs, parameters, outputs, memory, fixed});
    take_over(next, states, std::make_index_sequence<count>{});
  }
};

namespace detail {

/// `count` samples of `size` floats from one stride to another.
HWY_INLINE void copy_samples(const float* from, std::size_t from_stride, float* to,
                             std::size_t to_stride, std::size_t count, std::size_t size) {
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(from + i * from_stride, size, to + i * to_stride);
  }
}

/// A direction of a recurrence over sequences [batch, T, In] with results [batch, T, width], of
/// which this direction has its share.
template <class D, class S, std::size_t batch, std::size_t width> struct Scanned {
  using C = typename D::cell;
  using StepS = etch::detail::StepShape<S>;
  using Step = CellStep<C, StepS, batch>;

  static constexpr std::size_t steps = S::dims[0], in = StepS::size;
  static constexpr std::size_t out = etch::detail::CellOutput<C, StepS>::size;
  static constexpr ParameterFloats floats = parameter_floats(etch::detail::cell_tape<C, StepS>);

  static constexpr std::size_t x_at = Step::state_floats;
  static constexpr std::size_t y_at = x_at + (batch == 1 ? 0 : round_to_line(batch * in));
  static constexpr std::size_t step_at = y_at + (batch == 1 ? 0 : round_to_line(batch * out));
  static constexpr std::size_t workspace = step_at + Step::workspace;
  static constexpr std::size_t stack = Step::stack;

  /// The first `length` steps.
  static void run(const float* x, float* y, const float* parameters, const float* fixed,
                  float* memory, std::size_t length) noexcept {
    std::fill_n(memory, Step::state_floats, 0.f);
    for (std::size_t k = 0; k < length; ++k) {
      const std::size_t time = D::reverse ? length - 1 - k : k;
      const float* const x_t = x + time * in;
      float* const y_t = y + time * width;
      if constexpr (batch == 1) {
        Step::run(x_t, y_t, memory, parameters, fixed, memory + step_at);
      } else {
        copy_samples(x_t, steps * in, memory + x_at, in, batch, in);
        Step::run(memory + x_at, memory + y_at, memory, parameters, fixed, memory + step_at);
        copy_samples(memory + y_at, out, y_t, steps * width, batch, out);
      }
    }
  }
};

}  // namespace detail

/// A recurrence over sequences: input x, output y, one parameter area for each direction.
template <class Block, std::size_t batch, class Directions = typename Block::directions>
class RecurrenceRoutine;

template <class Block, std::size_t batch, class... D>
class RecurrenceRoutine<Block, batch, mp::mp_list<D...>> {
  static constexpr std::size_t width = Block::output::size / Block::input::dims[0];
  template <class One> using Scan = detail::Scanned<One, typename Block::input, batch, width>;

  static_assert(sizeof...(D) == 1 || Block::output::rank == 2,
                "etch: directions stand side by side where the results of a step are vectors");

 public:
  static constexpr std::size_t workspace = std::max({Scan<D>::workspace...});
  static constexpr std::size_t stack = std::max({Scan<D>::stack...});

  static void run(const Tensors& t) noexcept {
    const float* parameters = t.parameters;
    const float* fixed = t.fixed;
    float* y = t.outputs[0];
    const std::size_t length = t.length == 0 ? Block::input::dims[0] : t.length;
    const auto one = [&]<class One>(One) {
      One::run(t.inputs[0], y, parameters, fixed, t.workspace, length);
      y += One::out;
      parameters += One::floats.trained;
      fixed += One::floats.fixed;
    };
    (one(Scan<D>{}), ...);
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
