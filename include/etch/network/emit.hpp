// SPDX-License-Identifier: BSL-1.0
// From a planned tape to one function: every step a kernel call whose shapes, strides and offsets
// are constants.
#if defined(ETCH_NETWORK_EMIT_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_EMIT_HPP
#undef ETCH_NETWORK_EMIT_HPP
#else
#define ETCH_NETWORK_EMIT_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/kernels/conv2d.hpp"
#include "etch/kernels/conv2d_input_gradient.hpp"
#include "etch/kernels/conv2d_weight_gradient.hpp"
#include "etch/kernels/copy.hpp"
#include "etch/kernels/elementwise.hpp"
#include "etch/kernels/embedding.hpp"
#include "etch/kernels/matmul.hpp"
#include "etch/kernels/pool2d.hpp"
#include "etch/kernels/reduce.hpp"
#include "etch/kernels/softmax.hpp"
#include "etch/network/planned.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Budgets on x86 are for its widest vectors, whatever a file is compiled for: a dispatched model
/// may run them.
inline constexpr std::size_t most_lanes = HWY_ARCH_X86 ? logical_lanes : lanes;
inline constexpr std::size_t most_registers = HWY_ARCH_X86 ? 32 : detail::usable_registers + 2;

/// Floats that the kernel of an instruction has in arrays on the stack. Those of inference are for
/// registers, whatever the shapes; a compiler that runs out of these leaves some where they are.
/// Two gradients of pools have a row of the image as well.
constexpr std::size_t stack_floats_of(const Tape& tape, const Instruction& i) {
  constexpr std::size_t sums = 4 * logical_lanes;  // four sets of lanes, or four dot products
  constexpr std::size_t tile = std::max(most_registers * most_lanes, sums);
  switch (i.op) {
    case Op::matmul: case Op::conv1d: {
      const Gemm g = gemm_of(tape, i);
      if (etch::detail::is_small(g)) return 2 * tile + 2 * logical_lanes;  // integers, then floats
      return std::max(tile, g.parts * etch::detail::matmul_split(g) * most_lanes);
    }
    case Op::conv2d: case Op::conv2d_weight_gradient: return tile;
    case Op::conv2d_input_gradient: return 2 * tile;  // of products, then of their sums
    case Op::sum: case Op::max_reduce: case Op::softmax: case Op::log_softmax: return sums;
    case Op::max_pool2d: case Op::max_pool2d_pick: case Op::avg_pool2d: return 8 * most_lanes;
    case Op::max_pool2d_gradient: return 8 * most_lanes + pool2d_of(tape, i).out_width;
    case Op::avg_pool2d_gradient: {
      const Pool2dSpec s = pool2d_of(tape, i);
      return 2 * (s.width + s.padding[1] + most_lanes) + s.kernel[1];
    }
    default: return 0;
  }
}

/// Reads a float of each cache line, so that no later read waits for its page.
HWY_INLINE void touch(const float* data, std::size_t floats) noexcept {
  const volatile float* const numbers = data;
  for (std::size_t i = 0; i < floats; i += 16) static_cast<void>(numbers[i]);
}

/// Bytes of stack for the frames of a call: return addresses, saved registers, indices, and
/// constants that compilers take out of loops.
inline constexpr std::size_t frame_bytes = 1024;

/// The tensors a routine is called with. Parameters of a block lie one after the other, each on a
/// cache line of its own, `fixed` being what no optimizer changes; inputs and outputs are the
/// caller's.
struct Tensors {
  const float* const* inputs;
  const float* parameters;
  float* const* outputs;
  float* workspace;
  const float* fixed = nullptr;
  std::size_t length = 0;  ///< of a run, where axes vary; else zero
};

/// `Source` is a stateless callable type that returns a tape with distinct outputs. Equal sources
/// are one routine, wherever in a network they stand.
template <class Source> class Routine {
 public:
  static constexpr const auto& tape = etch::detail::Planned<Source>::tape;
  static constexpr const auto& program = etch::detail::Planned<Source>::program;

  /// Working memory of one call, in floats.
  static constexpr std::size_t workspace = program.workspace;

  /// Bytes on the stack for what steps compute with, if none of it were in a register: values of
  /// the chain, arrays of the kernel, and pointers, which the kernel holds once more. Steps take
  /// turns; but one may be a function of its own, and the rest lie in the frame of its caller. So
  /// these are the two largest.
  static constexpr std::size_t stack = [] {
    std::size_t most = 0, next = 0;
    const Tape thawed = tape.thaw();
    for (const PlannedStep& p : program.steps) {
      const std::size_t kernel = p.heavy < 0 ? 0 : stack_floats_of(thawed, thawed[p.heavy]);
      const std::size_t pointers = 2 * (p.arguments + p.sources + p.targets + 2);
      const std::size_t bytes =
          (p.links * most_lanes + kernel) * sizeof(float) + pointers * sizeof(float*);
      next = std::max(next, std::min(most, bytes));
      most = std::max(most, bytes);
    }
    return most + next;
  }();

  /// All steps. What it gives back means nothing: before they return from functions that give back
  /// no vector, compilers clear the upper halves of all (vzeroupper), and in a row of short
  /// routines that took up to a fifth of the time. So only the caller does, once. (g++ takes a
  /// result out again that nobody reads, but not of a function marked as used.)
  [[gnu::used]] static HWY_NOINLINE hn::Vec<FloatTag> run(const Tensors& t) noexcept {
    run_steps(t, std::make_index_sequence<program.steps.size()>{});
    return hn::Zero(FloatTag{});
  }

 private:
  template <std::size_t s> static constexpr PlannedStep planned = program.steps[s];

  template <std::size_t s>
  static constexpr auto chain = etch::detail::Planned<Source>::template chain<s>;

  template <std::size_t i>
  static constexpr const float* table = etch::detail::Planned<Source>::template table<i>.data;

  /// Where the k-th tensor of a step lies: arguments, then sources, then targets.
  template <std::size_t s, std::size_t k>
  static constexpr Location location = program.locations[planned<s>.first_location + k];

  template <Location at> static HWY_INLINE const float* read(const Tensors& t) {
    if constexpr (at.kind == Location::Kind::input) return t.inputs[at.index];
    else if constexpr (at.kind == Location::Kind::table) return table<at.index>;
    else if constexpr (at.kind == Location::Kind::parameter) {
      constexpr std::size_t offset = parameter_offset(tape, at.index);
      constexpr bool trained = tape.parameters[at.index].role == Role::trained;
      return (trained ? t.parameters : t.fixed) + offset;
    } else return write<at>(t);
  }
  template <Location at> static HWY_INLINE float* write(const Tensors& t) {
    if constexpr (at.kind == Location::Kind::output) return t.outputs[at.index];
    else if constexpr (at.kind == Location::Kind::input) return window(t.inputs[at.index]);
    else return t.workspace + at.index;
  }

  /// An input that is appended to is its owner's state.
  static HWY_INLINE float* window(const float* input) { return const_cast<float*>(input); }

  // Functions, for compilers may well leave a lambda on its own.
  template <std::size_t... s>
  static HWY_INLINE void run_steps(const Tensors& t, std::index_sequence<s...>) noexcept {
    (step<s>(t, std::make_index_sequence<planned<s>.sources>{},
             std::make_index_sequence<planned<s>.targets>{}),
     ...);
  }

  template <std::size_t s, std::size_t... k, std::size_t... j>
  static HWY_INLINE void step(const Tensors& t, std::index_sequence<k...>,
                              std::index_sequence<j...>) noexcept {
    constexpr PlannedStep p = planned<s>;
    // One entry more, for an array of none is not C++.
    const float* const sources[] = {read<location<s, p.arguments + k>>(t)..., nullptr};
    float* const targets[] = {write<location<s, p.arguments + p.sources + j>>(t)..., nullptr};
    if constexpr (p.heavy < 0) elementwise<chain<s>>(sources, targets, t.length);
    else heavy<s>(t, sources, targets);
  }

  template <std::size_t s>
  static HWY_INLINE void heavy(const Tensors& t, const float* const* sources,
                               float* const* targets) noexcept {
    constexpr PlannedStep p = planned<s>;
    constexpr Instruction i = tape[p.heavy];
    const float* const a = read<location<s, 0>>(t);
    const float* const b = read<location<s, p.arguments - 1>>(t);  // a again, if it is alone
    float* const y = targets[0];
    float* const scratch = t.workspace + p.scratch;
    if constexpr (i.op == Op::matmul) {
      static_assert(gemm_exists(tape, i),
                    "etch: samples cannot be multiplied by a stack of matrices that all of them "
                    "share; reshape it to one matrix");
      matmul<gemm_of(tape, i), chain<s>>(a, b, sources, targets, scratch, t.length);
    } else if constexpr (i.op == Op::conv1d) {
      matmul<gemm_of(tape, i), chain<s>>(a, b, sources, targets, scratch);
    } else if constexpr (i.op == Op::append) {
      constexpr std::size_t count = tape[i.args[1]].shape.size();
      detail::copy_row<count>(b, y + i.shape.size() - count);
    } else if constexpr (i.op == Op::conv2d) {
      conv2d<conv2d_of(tape, i), chain<s>>(a, b, sources, targets, scratch);
    } else if constexpr (i.op == Op::conv2d_input_gradient) {
      conv2d_input_gradient<conv2d_of(tape, i), chain<s>>(a, b, sources, targets, scratch);
    } else if constexpr (i.op == Op::conv2d_weight_gradient) {
      conv2d_weight_gradient<conv2d_of(tape, i)>(a, b, y, scratch);
    } else if constexpr (i.op == Op::max_pool2d) {
      max_pool2d<pool2d_of(tape, i)>(a, y);
    } else if constexpr (i.op == Op::max_pool2d_gradient) {
      max_pool2d_gradient<pool2d_of(tape, i)>(a, b, y);
    } else if constexpr (i.op == Op::max_pool2d_pick) {
      max_pool2d_pick<pool2d_of(tape, i)>(a, b, y);
    } else if constexpr (i.op == Op::avg_pool2d) {
      avg_pool2d<pool2d_of(tape, i)>(a, y);
    } else if constexpr (i.op == Op::avg_pool2d_gradient) {
      avg_pool2d_gradient<pool2d_of(tape, i)>(a, y);
    } else if constexpr (i.op == Op::sum) {
      sum<reduce_of(tape, i)>(a, y, t.length);
    } else if constexpr (i.op == Op::max_reduce) {
      max_reduce<reduce_of(tape, i)>(a, y, t.length);
    } else if constexpr (i.op == Op::softmax) {
      softmax<softmax_of(tape, i)>(a, y, t.length);
    } else if constexpr (i.op == Op::log_softmax) {
      log_softmax<softmax_of(tape, i)>(a, y, t.length);
    } else if constexpr (i.op == Op::embedding) {
      embedding<embedding_of(tape, i)>(a, b, y, t.length);
    } else if constexpr (i.op == Op::embedding_gradient) {
      embedding_gradient<embedding_of(tape, i)>(a, b, y);
    } else if constexpr (i.op == Op::concat) {
      concat<concat_of(tape, i)>(a, b, y, t.length);
    } else {
      static_assert(i.op == Op::pad, "etch: every heavy op has a kernel");
      pad<pad_of(tape, i)>(a, y, t.length);
    }
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
