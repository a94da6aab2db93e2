// SPDX-License-Identifier: BSL-1.0
// A recurrence in training: backpropagation through time (Werbos 1990).
#if defined(ETCH_NETWORK_TRAINED_RECURRENCE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_TRAINED_RECURRENCE_HPP
#undef ETCH_NETWORK_TRAINED_RECURRENCE_HPP
#else
#define ETCH_NETWORK_TRAINED_RECURRENCE_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "etch/network/recurrence.hpp"
#include "etch/network/trained_block.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace detail {

/// What a routine has of a value at each step, [step, sample, ..], or once if it is the same for
/// all.
struct Trace {
  std::size_t at = 0;    ///< offset of the first step
  std::size_t each = 0;  ///< distance of steps; 0: there is one value for all

  constexpr std::size_t operator[](std::size_t step) const { return at + step * each; }
};

/// One direction of a recurrence. Sequences are copied so that the samples of a step lie together,
/// in the order in which steps are computed; from there on a step is as a batch, and all steps are.
template <class D, class S, std::size_t batch, std::size_t width, bool first> class TrainedScan {
  using C = typename D::cell;
  using StepS = etch::detail::StepShape<S>;
  static constexpr std::size_t steps = S::dims[0];
  template <Tape StepTapes::*part, std::size_t samples>
  using Part = Routine<TrainedStepTape<C, StepS, samples, !first, part>>;
  using Forward = Part<&StepTapes::forward, batch>;
  using Backward = Part<&StepTapes::backward, batch>;
  using Deferred = Part<&StepTapes::deferred, batch * steps>;

  static constexpr std::size_t kept = etch::detail::kept_by_forward<C, StepS, !first>;
  static constexpr std::size_t states = Forward::tape.outputs.size() - 1 - kept;
  static constexpr std::size_t kept_back = Backward::tape.outputs.size() - states;
  static constexpr StepInputs place{states};
  static constexpr std::size_t input_count = place.first_kept() + kept + kept_back;
  static constexpr std::size_t in = StepS::size;

  /// Lays traces one after the other.
  struct Placing {
    std::size_t end = 0;

    constexpr Trace operator()(std::size_t each, std::size_t count) {
      const Trace trace{end, each};
      end += round_to_line(each * count);
      return trace;
    }
    template <class AnyTape>
    constexpr Trace output(const AnyTape& tape, std::size_t i, std::size_t count) {
      const Instruction& value = tape[tape.outputs[i]];
      if (value.batched) return (*this)(batch * value.shape.size(), count);
      return {(*this)(value.shape.size(), 1).at, 0};
    }
  };

  /// What lives from the way forward to the way back. States stand one step later than the rest:
  /// first what they are before step 0.
  struct Kept {
    Trace x, y;
    std::array<Trace, states> state;
    std::array<Trace, kept> value;
    std::size_t floats;
  };
  static constexpr Kept forward_traces = [] {
    Placing placing;
    Kept k{};
    k.x = placing(batch * in, steps);
    k.y = placing.output(Forward::tape, 0, steps);
    for (std::size_t i = 0; i < states; ++i) {
      k.state[i] = placing.output(Forward::tape, i + 1, steps + 1);
    }
    for (std::size_t i = 0; i < kept; ++i) {
      k.value[i] = placing.output(Forward::tape, 1 + states + i, steps);
    }
    k.floats = placing.end;
    return k;
  }();

  /// ... and on the way back: gradients.
  struct Gradients {
    Trace x, y;
    std::array<Trace, states> state;
    std::array<Trace, kept_back> value;
    std::size_t routine, floats;
  };
  static constexpr Gradients gradient_traces = [] {
    Placing placing;
    Gradients g{};
    g.x = placing(batch * in, first ? 0 : steps);
    g.y = placing.output(Forward::tape, 0, steps);
    for (std::size_t i = 0; i < states; ++i) {
      g.state[i] = placing.output(Forward::tape, i + 1, steps + 1);
    }
    for (std::size_t i = 0; i < kept_back; ++i) {
      g.value[i] = placing.output(Backward::tape, states + i, steps);
    }
    g.routine = placing.end;
    g.floats = placing.end + std::max(Backward::workspace, Deferred::workspace);
    return g;
  }();

  static constexpr std::size_t time(std::size_t k) { return D::reverse ? steps - 1 - k : k; }

  /// The tensors of step k; for all steps at once those of step 0.
  struct Inputs {
    const float* at[input_count] = {};
  };
  static HWY_INLINE Inputs inputs_of(std::size_t k, const float* memory, const float* back) {
    const Kept& f = forward_traces;
    const Gradients& g = gradient_traces;
    Inputs inputs;
    inputs.at[StepInputs::x()] = memory + f.x[k];
    inputs.at[place.gradient(0)] = back + g.y[k];
    inputs.at[place.result(0)] = memory + f.y[k];
    for (std::size_t i = 0; i < states; ++i) {
      inputs.at[place.state(i)] = memory + f.state[i][k];
      inputs.at[place.gradient(i + 1)] = back + g.state[i][k + 1];
      inputs.at[place.result(i + 1)] = memory + f.state[i][k + 1];
    }
    for (std::size_t i = 0; i < kept; ++i) {
      inputs.at[place.first_kept() + i] = memory + f.value[i][k];
    }
    for (std::size_t i = 0; i < kept_back; ++i) {
      inputs.at[place.first_kept() + kept + i] = back + g.value[i][k];
    }
    return inputs;
  }

 public:
  static constexpr std::size_t out = etch::detail::CellOutput<C, StepS>::size;
  static constexpr ParameterFloats floats = parameter_floats(etch::detail::cell_tape<C, StepS>);
  static constexpr std::size_t kept_floats = forward_traces.floats;
  static constexpr std::size_t scratch = Forward::workspace;
  static constexpr std::size_t scratch_back = gradient_traces.floats;

  /// Bytes: see Routine. Pointers are those of a step, and those of all steps.
  static constexpr std::size_t stack =
      std::max({Forward::stack, Backward::stack, Deferred::stack}) +
      2 * (input_count + Backward::tape.outputs.size() + Deferred::tape.outputs.size() + 2) *
          sizeof(float*);

  static void forward(const float* x, float* y, const float* parameters, const float* fixed,
                      float* memory, float* routine) noexcept {
    const Kept& f = forward_traces;
    for (const Trace& state : f.state) std::fill_n(memory + state.at, state.each, 0.f);
    for (std::size_t k = 0; k < steps; ++k) {
      float* const x_k = memory + f.x[k];
      copy_samples(x + time(k) * in, steps * in, x_k, in, batch, in);
      const float* inputs[states + 1] = {x_k};
      float* outputs[1 + states + kept] = {memory + f.y[k]};
      for (std::size_t i = 0; i < states; ++i) {
        inputs[i + 1] = memory + f.state[i][k];
        outputs[i + 1] = memory + f.state[i][k + 1];
      }
      for (std::size_t i = 0; i < kept; ++i) outputs[1 + states + i] = memory + f.value[i][k];
      Forward::run({inputs, parameters, outputs, routine, fixed});
      copy_samples(memory + f.y[k], out, y + time(k) * width, steps * width, batch, out);
    }
  }

  /// dx is written, or added to if it is another direction's already.
  static void backward(const float* dy, const float* parameters, const float* fixed,
                       const float* memory, float* back, std::size_t truncation, float* gradients,
                       float* dx, bool add) noexcept {
    const Gradients& g = gradient_traces;
    float* const routine = back + g.routine;
    for (std::size_t i = 0; i < states; ++i) {
      std::fill_n(back + g.state[i][steps], g.state[i].each, 0.f);
    }
    for (std::size_t k = steps; k-- > 0;) {
      copy_samples(dy + time(k) * width, steps * width, back + g.y[k], out, batch, out);
      const Inputs inputs = inputs_of(k, memory, back);
      float* outputs[states + kept_back + 1] = {};
      for (std::size_t i = 0; i < states; ++i) outputs[i] = back + g.state[i][k];
      for (std::size_t i = 0; i < kept_back; ++i) outputs[states + i] = back + g.value[i][k];
      Backward::run({inputs.at, parameters, outputs, routine, fixed});
      if (truncation != 0 && k % truncation == 0) {
        for (std::size_t i = 0; i < states; ++i) std::fill_n(outputs[i], g.state[i].each, 0.f);
      }
    }
    const Inputs all = inputs_of(0, memory, back);
    constexpr std::size_t rows = Deferred::tape.outputs.size() - (first ? 0 : 1);
    float* outputs[rows + 1] = {};
    std::size_t row = 0;
    for (std::size_t p = 0; p < Deferred::tape.parameters.size(); ++p) {
      if (Deferred::tape.parameters[p].role != Role::trained) continue;
      outputs[row++] = gradients + parameter_offset(Deferred::tape, p);
    }
    if constexpr (!first) outputs[rows] = back + g.x.at;
    Deferred::run({all.at, parameters, outputs, routine, fixed});
    if constexpr (!first) {
      for (std::size_t k = 0; k < steps; ++k) {
        for (std::size_t b = 0; b < batch; ++b) {
          const float* const from = back + g.x[k] + b * in;
          float* const to = dx + (b * steps + time(k)) * in;
          for (std::size_t i = 0; i < in; ++i) to[i] = add ? to[i] + from[i] : from[i];
        }
      }
    }
  }
};

template <class Block, std::size_t batch, bool first, class Directions = typename Block::directions>
class TrainedRecurrence;

/// A recurrence as a TrainedBlock.
template <class Block, std::size_t batch, bool first, class... D>
class TrainedRecurrence<Block, batch, first, mp::mp_list<D...>> {
  using S = typename Block::input;
  static constexpr std::size_t width = Block::output::size / S::dims[0];
  template <class One> using Scan = TrainedScan<One, S, batch, width, first>;
  using Evaluation = RecurrenceRoutine<Block, batch>;

 public:
  static constexpr std::size_t floats = batch * Block::output::size;
  static constexpr std::array<std::size_t, sizeof...(D)> kept = {Scan<D>::kept_floats...};
  static constexpr std::size_t scratch = std::max({Scan<D>::scratch..., Evaluation::workspace});
  static constexpr std::size_t scratch_back = std::max({Scan<D>::scratch_back...});
  static constexpr std::size_t stack = std::max({Scan<D>::stack..., Evaluation::stack});
  static constexpr bool draws = false;

  static void run_forward(const BlockCall& b) noexcept {
    for_each_direction([&]<class One>(One, const Place& p) {
      One::forward(b.x, b[result] + p.out, b.parameters + p.trained, b.fixed + p.fixed,
                   b[first_kept + p.direction], b[forward_scratch]);
    });
  }

  static void run_evaluation(const BlockCall& b) noexcept {
    float* const outputs[] = {b[result]};
    Evaluation::run({&b.x, b.parameters, outputs, b[forward_scratch], b.fixed});
  }

  static void run_backward(const BlockCall& b, float* gradients, float*, float* dx) noexcept {
    for_each_direction([&]<class One>(One, const Place& p) {
      One::backward(b[gradient] + p.out, b.parameters + p.trained, b.fixed + p.fixed,
                    b[first_kept + p.direction], b[backward_scratch], Block::truncation,
                    gradients + p.trained, dx, p.direction != 0);
    });
  }

 private:
  /// Where the things of a direction start.
  struct Place {
    std::size_t direction = 0, out = 0, trained = 0, fixed = 0;
  };

  template <class F> static HWY_INLINE void for_each_direction(const F& f) {
    Place place;
    const auto one = [&]<class One>(One scan) {
      f(scan, place);
      ++place.direction;
      place.out += One::out;
      place.trained += One::floats.trained;
      place.fixed += One::floats.fixed;
    };
    (one(Scan<D>{}), ...);
  }
};

}  // namespace detail
}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
