// SPDX-License-Identifier: BSL-1.0
// Networks that run step by step, or by blocks of n steps.
#if defined(ETCH_NETWORK_STREAMING_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_STREAMING_HPP
#undef ETCH_NETWORK_STREAMING_HPP
#else
#define ETCH_NETWORK_STREAMING_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "etch/network/block_layout.hpp"
#include "etch/network/recurrence.hpp"
#include "etch/network/stream_tapes.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace detail {

using etch::detail::StreamLink;

/// What the steps of a stream know of time.
struct Moment {
  std::uint64_t steps;  ///< before this call
  float position;       ///< the same, but at most 2^24, where floats stop counting
};

/// A window lies twice in memory, one after the other, so that a run of its rows is always in one
/// piece: nothing is ever moved, and each step costs the same.
template <Window window, std::size_t n> struct Ring {
  static constexpr std::size_t rows = (window.rows + n - 1) / n * n;
  static constexpr std::size_t floats = round_to_line(2 * rows * window.width);

  static HWY_INLINE std::size_t start(const Moment& now) { return now.steps % rows; }

  /// Copies the new rows to their other place.
  static HWY_INLINE void mirror(float* ring, const Moment& now) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t row = start(now) + window.rows - n + i;
      const std::size_t other = row < rows ? row + rows : row - rows;
      copy_row<window.width>(ring + row * window.width, ring + other * window.width);
    }
  }
};

template <class Link> class StreamedBlock;

/// A block of layers.
template <class Layers, class S, std::size_t first, std::size_t axis, long late, std::size_t n>
class StreamedBlock<StreamLink<Block<Layers, S, first>, axis, late, n>> {
  using Facts = etch::detail::stream_of_block<Block<Layers, S, 0>, axis, late, n>;
  using Run = Routine<StreamTape<Layers, S, axis, late, n>>;
  static constexpr std::size_t count = Facts::windows.size();
  template <std::size_t k> using RingAt = Ring<Facts::windows[k], n>;

  static constexpr auto at = []<std::size_t... k>(std::index_sequence<k...>) {
    std::array<std::size_t, count + 1> result{};
    ((result[k + 1] = result[k] + RingAt<k>::floats), ...);
    return result;
  }(std::make_index_sequence<count>{});

 public:
  static constexpr std::size_t out = Run::tape[Run::tape.outputs[0]].shape.size();
  static constexpr std::size_t workspace = Run::workspace;
  static constexpr std::size_t stack = Run::stack + (count + 2) * sizeof(float*);
  static constexpr std::size_t state_floats = at[count];

  static HWY_INLINE void run(const float* x, float* y, const float* parameters, const float* fixed,
                             float* state, const Moment& now, float* memory) noexcept {
    run(x, {nullptr, parameters, &y, memory, fixed}, state, now,
        std::make_index_sequence<count>{});
  }

 private:
  template <std::size_t... k>
  static HWY_INLINE void run(const float* x, Tensors t, [[maybe_unused]] float* state,
                             const Moment& now, std::index_sequence<k...>) noexcept {
    const float* const inputs[] = {
        x, &now.position, state + at[k] + RingAt<k>::start(now) * Facts::windows[k].width...};
    t.inputs = inputs;
    Run::run(t);
    (RingAt<k>::mirror(state + at[k], now), ...);
  }
};

/// Recurrences: steps of what comes late do not count before their time.
template <std::size_t truncation, class... D, class S, std::size_t layer, std::size_t axis,
          long late, std::size_t n>
class StreamedBlock<
    StreamLink<RecurrentBlock<Recurrence<truncation, D...>, S, layer>, axis, late, n>> {
  using X = etch::detail::StepShape<S>;
  template <class One> using Step = CellStep<typename One::cell, X, 1>;
  template <class One>
  static constexpr std::size_t width = etch::detail::CellOutput<typename One::cell, X>::size;

 public:
  static constexpr std::size_t out = n * (width<D> + ...);
  static constexpr std::size_t workspace = std::max({Step<D>::workspace...});
  static constexpr std::size_t stack = std::max({Step<D>::stack...});
  static constexpr std::size_t state_floats = (Step<D>::state_floats + ...);

  static HWY_INLINE void run(const float* x, float* y, const float* parameters, const float* fixed,
                             float* state, const Moment& now, float* memory) noexcept {
    for (std::size_t i = 0; i < n; ++i, x += X::size) {
      const bool early = late > 0 && now.steps + i < static_cast<std::uint64_t>(late);
      float* s = state;
      const float* p = parameters;
      const float* f = fixed;
      const auto one = [&]<class One>(mp::mp_identity<One>) HWY_ATTR {
        if (early) std::fill_n(y, width<One>, 0.f);
        else Step<One>::run(x, y, s, p, f, memory);
        constexpr ParameterFloats floats =
            parameter_floats(etch::detail::cell_tape<typename One::cell, X>);
        y += width<One>;
        s += Step<One>::state_floats;
        p += floats.trained;
        f += floats.fixed;
      };
      (one(mp::mp_identity<D>{}), ...);
    }
  }
};

/// x [before, n, behind] with time in front, and back.
template <std::size_t before, std::size_t n, std::size_t behind>
HWY_INLINE void time_to_front(const float* x, float* y) {
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t i = 0; i < before; ++i, y += behind) {
      copy_row<behind>(x + (i * n + t) * behind, y);
    }
  }
}
template <std::size_t before, std::size_t n, std::size_t behind>
HWY_INLINE void time_from_front(const float* x, float* y) {
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t i = 0; i < before; ++i, x += behind) {
      copy_row<behind>(x, y + (i * n + t) * behind);
    }
  }
}

/// One end of a stream: n steps of a sequence S with time along an axis.
template <class S, std::size_t axis, std::size_t n> struct StreamEnd {
  static constexpr std::size_t before = etch::detail::outer_of(S::dims, axis);
  static constexpr std::size_t behind = etch::detail::inner_of(S::dims, axis);
  static constexpr std::size_t floats = before * n * behind;
  static constexpr bool in_front = before == 1 || n == 1;
};

template <class Net, std::size_t n, class Links = typename etch::detail::StreamOf<Net, n>::links>
class StreamedBlocks;

/// The blocks of a network, each by n steps, time in front.
template <class Net, std::size_t n, class... Link>
class StreamedBlocks<Net, n, mp::mp_list<Link...>> {
  static constexpr std::size_t count = sizeof...(Link);

  template <class L> using Run = StreamedBlock<L>;
  static constexpr auto placed = etch::detail::lay_out_blocks<count>(
      {Run<Link>::out...}, {Run<Link>::workspace...});
  static constexpr auto starts = etch::detail::block_table<Blocks<Net>>::starts();

  static constexpr auto at = [] {
    std::array<std::size_t, count + 1> result{};
    std::size_t i = 0;
    ((result[i + 1] = result[i] + Run<Link>::state_floats, ++i), ...);
    return result;
  }();

 public:
  static constexpr std::size_t state_floats = at[count];
  static constexpr std::size_t workspace = placed.floats;
  static constexpr std::size_t stack = std::max({std::size_t{0}, Run<Link>::stack...});

  static HWY_INLINE void run(const float* parameters, float* state, std::uint64_t steps,
                             const float* x, float* y, float* memory) noexcept {
    constexpr std::uint64_t most = std::uint64_t{1} << 24;
    const Moment now{steps, static_cast<float>(std::min(steps, most))};
    run(parameters, state, now, x, y, memory, std::make_index_sequence<count>{});
  }

 private:
  template <std::size_t... i>
  static HWY_INLINE void run(const float* parameters, float* state, const Moment& now,
                             const float* x, float* y, float* memory,
                             std::index_sequence<i...>) noexcept {
    (Run<Link>::run(i == 0 ? x : memory + placed.result[i == 0 ? 0 : i - 1],
                    i + 1 == count ? y : memory + placed.result[i],
                    parameters + starts[i].trained, parameters + starts[i].fixed, state + at[i],
                    now, memory + placed.scratch[i]),
     ...);
  }
};

}  // namespace detail

/// A network by n steps a call. Where there is a recurrence these are n single steps: the same bits
/// whatever n is.
template <class Net, std::size_t n> class Streaming {
  static constexpr std::size_t block = etch::detail::recurs<Net> ? 1 : n;
  using Run = detail::StreamedBlocks<Net, block>;
  using From = detail::StreamEnd<InputShape<Net>, etch::detail::time_axis<Net, block>, n>;
  using To = detail::StreamEnd<OutputShape<Net>,
                               etch::detail::StreamOf<Net, block>::facts.axis, n>;

  // Where time is not in front outside, it is turned on the way in and out.
  static constexpr std::size_t in_at = Run::workspace;
  static constexpr std::size_t out_at = in_at + (From::in_front ? 0 : round_to_line(From::floats));

 public:
  static constexpr std::size_t inputs = From::floats, outputs = To::floats;
  static constexpr std::size_t state_floats = Run::state_floats;
  static constexpr std::size_t stack = Run::stack;
  static constexpr std::size_t workspace =
      out_at + (To::in_front ? 0 : round_to_line(To::floats));

  /// `steps` have gone before.
  static void run(const float* parameters, float* state, std::uint64_t steps, const float* x,
                  float* y, float* memory) noexcept {
    const float* from = x;
    float* to = To::in_front ? y : memory + out_at;
    if constexpr (!From::in_front) {
      detail::time_to_front<From::before, n, From::behind>(x, memory + in_at);
      from = memory + in_at;
    }
    for (std::size_t i = 0; i < n; i += block) {
      Run::run(parameters, state, steps + i, from + i * (inputs / n), to + i * (outputs / n),
               memory);
    }
    if constexpr (!To::in_front) detail::time_from_front<To::before, n, To::behind>(to, y);
  }
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
