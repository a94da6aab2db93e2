// SPDX-License-Identifier: BSL-1.0
// The blocks of a network, one after the other.
#if defined(ETCH_NETWORK_INFERENCE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_INFERENCE_HPP
#undef ETCH_NETWORK_INFERENCE_HPP
#else
#define ETCH_NETWORK_INFERENCE_HPP
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "etch/network/parameter_table.hpp"
#include "etch/network/emit.hpp"
#include "etch/network/recurrence.hpp"

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

template <class Net, std::size_t batch, class List = Blocks<Net>> class Inference;

/// Runs `batch` samples through a network. What it needs of memory is `workspace`, in floats.
template <class Net, std::size_t batch, class... B>
class Inference<Net, batch, mp::mp_list<B...>> {
  static constexpr std::size_t count = sizeof...(B);

  template <class Block> using Run = typename detail::inference_of_block<Block, batch>::type;

  /// Each block's result lives until the next one has read it; the last is the caller's.
  static constexpr auto placed = [] {
    const std::size_t results[] = {batch * B::output::size..., 0};
    const std::size_t scratch[] = {Run<B>::workspace..., 0};
    std::vector<Lifetime> lives;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t floats = i + 1 < count ? results[i] : 0;
      lives.push_back({.floats = floats, .first = i, .last = i + 1});
      lives.push_back({.floats = scratch[i], .first = i, .last = i});
    }
    const Layout layout = lay_out(lives);
    std::array<std::size_t, 2 * count + 1> offsets{};
    etch::detail::copy_all(layout.offsets, offsets);
    offsets[2 * count] = layout.floats;
    return offsets;
  }();

  static constexpr auto starts = etch::detail::block_table<mp::mp_list<B...>>::starts();

 public:
  static constexpr std::size_t workspace = placed[2 * count];

  /// x: [batch, input], y: [batch, output], both contiguous; workspace on a cache line.
  static void run(const float* parameters, const float* x, float* y, float* memory) noexcept {
    [&]<std::size_t... i>(std::index_sequence<i...>) HWY_ATTR {
      (detail::run_block<Run<B>>(i == 0 ? x : memory + placed[i == 0 ? 0 : 2 * (i - 1)],
                                 parameters, starts[i],
                                 i + 1 == count ? y : memory + placed[2 * i],
                                 memory + placed[2 * i + 1]),
       ...);
    }(std::make_index_sequence<count>{});
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
