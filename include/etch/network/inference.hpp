// SPDX-License-Identifier: BSL-1.0
// The blocks of a network, one after the other.
#if defined(ETCH_NETWORK_INFERENCE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_INFERENCE_HPP
#undef ETCH_NETWORK_INFERENCE_HPP
#else
#define ETCH_NETWORK_INFERENCE_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/network/parameter_table.hpp"
#include "etch/network/block_layout.hpp"
#include "etch/network/emit.hpp"
#include "etch/network/recurrence.hpp"
#include "etch/network/streaming.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

namespace detail {
template <class Block, std::size_t batch> struct inference_of_block;
template <class Layers, class S, std::size_t first, std::size_t batch>
struct inference_of_block<Block<Layers, S, first>, batch> {
  using type = Routine<InferenceTape<Layers, S, batch>>;
};
template <class R, class S, std::size_t layer, std::size_t batch>
struct inference_of_block<RecurrentBlock<R, S, layer>, batch> {
  using type = RecurrenceRoutine<RecurrentBlock<R, S, 0>, batch>;  // the same for equal layers
};

/// Outside of Inference, so that its name holds one block and not the network: names as long as a
/// deep network, one for each of its blocks, are what compilers would spend their time on.
template <class R>
HWY_INLINE void run_block(const float* x, const float* parameters, ParameterFloats start, float* y,
                          float* scratch) noexcept {
  R::run({&x, parameters + start.trained, &y, scratch, parameters + start.fixed});
}
}  // namespace detail

namespace detail {
template <class Net, std::size_t batch, class List = Blocks<Net>> class BlockByBlock;

template <class Net, std::size_t batch, class... B>
class BlockByBlock<Net, batch, mp::mp_list<B...>> {
  static constexpr std::size_t count = sizeof...(B);

  template <class Block> using Run = typename inference_of_block<Block, batch>::type;

  static constexpr auto placed = etch::detail::lay_out_blocks<count>(
      {batch * B::output::size...}, {Run<B>::workspace...});

  static constexpr auto starts = etch::detail::block_table<mp::mp_list<B...>>::starts();

 public:
  static constexpr std::size_t workspace = placed.floats;
  static constexpr std::size_t stack = std::max({std::size_t{0}, Run<B>::stack...});

  /// x: [batch, input], y: [batch, output], both contiguous; workspace on a cache line.
  static void run(const float* parameters, const float* x, float* y, float* memory) noexcept {
    run(parameters, x, y, memory, std::make_index_sequence<count>{});
  }

 private:
  template <std::size_t... i>
  static HWY_INLINE void run(const float* parameters, const float* x, float* y, float* memory,
                             std::index_sequence<i...>) noexcept {
    (run_block<Run<B>>(i == 0 ? x : memory + placed.result[i == 0 ? 0 : i - 1],
                        parameters, starts[i], i + 1 == count ? y : memory + placed.result[i],
                        memory + placed.scratch[i]),
     ...);
  }
};

}  // namespace detail

/// Runs `batch` samples through a network. What it needs of memory is `workspace`, in floats, and
/// what its kernels may put on the stack is `stack`, in bytes.
template <class Net, std::size_t batch>
class Inference : public detail::BlockByBlock<Net, batch> {};

/// A sequence with a recurrence, as the stream that it is.
template <class Net>
  requires(etch::detail::goes_by_steps<Net>())
class Inference<Net, 1> {
  static constexpr std::size_t steps =
      InputShape<Net>::dims[etch::detail::time_axis<Net>];
  using Run = Streaming<Net, steps>;
  static constexpr std::size_t state_at = Run::workspace;

 public:
  static constexpr std::size_t workspace = state_at + Run::state_floats;
  static constexpr std::size_t stack = Run::stack;

  static void run(const float* parameters, const float* x, float* y, float* memory) noexcept {
    std::fill_n(memory + state_at, Run::state_floats, 0.f);
    Run::run(parameters, memory + state_at, 0, x, y, memory);
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
