// SPDX-License-Identifier: BSL-1.0
// One program for all lengths of a sequence, or numbers of nodes, up to those of a network's type.
#if defined(ETCH_NETWORK_LENGTHS_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_LENGTHS_HPP
#undef ETCH_NETWORK_LENGTHS_HPP
#else
#define ETCH_NETWORK_LENGTHS_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "etch/network/block_layout.hpp"
#include "etch/network/length_tapes.hpp"
#include "etch/network/model.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

namespace detail {

/// A block in a run, and the axes of its result that vary.
template <class B, std::size_t longest, class Parts> struct LengthOfBlock;

template <class Layers, class S, std::size_t first, std::size_t longest, class Parts>
struct LengthOfBlock<Block<Layers, S, first>, longest, Parts> {
  using Run = Routine<etch::detail::LengthTape<Layers, S, longest, Parts>>;
  static constexpr std::size_t vary = Run::tape[Run::tape.outputs[0]].varies;
  static constexpr bool needs_all = Run::tape.origin.needs_all;
};

template <class R, class S, std::size_t layer, std::size_t longest, class Part>
struct LengthOfBlock<RecurrentBlock<R, S, layer>, longest, mp::mp_list<Part>> {
  using Run = RecurrenceRoutine<RecurrentBlock<R, S, 0>, 1>;
  static constexpr std::size_t vary = Part::part.vary;
  static constexpr bool needs_all = vary != 1;  // it goes along axis 0
};

template <std::size_t longest, class Parts, class... B> struct lengths_of_blocks {
  using type = mp::mp_list<>;
};
template <std::size_t longest, class Parts, class B, class... Rest>
struct lengths_of_blocks<longest, Parts, B, Rest...> {
  using First = LengthOfBlock<B, longest, Parts>;
  using Next = mp::mp_list<etch::detail::VaryingPart<0, typename B::output, First::vary>>;
  using type =
      mp::mp_push_front<typename lengths_of_blocks<longest, Next, Rest...>::type, First>;
};

/// body(packed, place, count) for every row of a tensor in a run of length n: numbers that lie side
/// by side both where a run is packed and in the tensor of full size.
template <Dims shape, std::size_t vary, std::size_t longest, std::size_t axis = 0, class Body>
HWY_INLINE std::size_t for_each_row_of_run(std::size_t n, Body&& body, std::size_t packed = 0,
                                           std::size_t place = 0) {
  constexpr std::size_t inner = etch::detail::inner_of(shape, axis);
  constexpr Lengths lengths{vary, longest};
  if constexpr (vary >> (axis + 1) == 0) {
    const std::size_t count = shape.rank == 0 ? 1 : lengths.of(axis, shape[axis], n) * inner;
    body(packed, place, count);
    return packed + count;
  } else {
    for (std::size_t i = 0; i < lengths.of(axis, shape[axis], n); ++i) {
      packed = for_each_row_of_run<shape, vary, longest, axis + 1>(n, body, packed,
                                                                   place + i * inner);
    }
    return packed;
  }
}

template <class Net, Varying axes, std::size_t longest, class List = Blocks<Net>> class LengthRun;

/// Of a mistake, which is reported where it is found.
template <class Net, Varying axes, class... B>
class LengthRun<Net, axes, 0, mp::mp_list<B...>> {
 public:
  static constexpr std::size_t workspace = 1;
  template <class... X> static void run(X&&...) noexcept {}
};

/// The blocks of a network in a run, one after the other.
template <class Net, Varying axes, std::size_t longest, class... B>
class LengthRun<Net, axes, longest, mp::mp_list<B...>> {
  using Parts = etch::detail::VaryingParts<Net, axes>;
  static constexpr std::size_t count = sizeof...(B);

  using Runs = typename lengths_of_blocks<longest, Parts, B...>::type;
  template <std::size_t i> using Run = mp::mp_at_c<Runs, i>;
  template <class R> using needs_all = mp::mp_bool<R::needs_all>;
  static_assert(mp::mp_none_of<Runs, needs_all>::value,
                "etch: something here wants the whole of an axis that varies, as a convolution, a "
                "pool or a concatenation along it does");

  template <class... R> static constexpr auto place(mp::mp_list<R...>) {
    return etch::detail::lay_out_blocks<count>({B::output::size...}, {R::Run::workspace...});
  }
  static constexpr auto placed = place(Runs{});
  static constexpr auto starts = etch::detail::block_table<mp::mp_list<B...>>::starts();

  using X = InputShape<Net>;
  using Y = OutputShape<Net>;
  static constexpr std::size_t x_at = placed.floats, y_at = x_at + round_to_line(X::size);
  static constexpr std::size_t vary_y = Run<count - 1>::vary;

  template <std::size_t offset, class S, std::size_t vary>
  static HWY_INLINE const float* take_part(etch::detail::VaryingPart<offset, S, vary>,
                                           const float* packed, float* x, std::size_t n) {
    return packed + for_each_row_of_run<S::dims, vary, longest>(
                        n, [&](std::size_t from, std::size_t to, std::size_t floats) {
                          std::copy_n(packed + from, floats, x + offset + to);
                        });
  }

 public:
  static constexpr std::size_t workspace = y_at + round_to_line(Y::size);

  static void run(const float* parameters, std::size_t n, const float* x, float* y,
                  float* memory) noexcept {
    // Kernels go on to the end of a vector or a tile, which is in the tensor, but not in the run.
    const auto take = [&]<class... Part>(mp::mp_list<Part...>) {
      ((x = take_part(Part{}, x, memory + x_at, n)), ...);
    };
    take(Parts{});
    const float length = static_cast<float>(n);
    [&]<std::size_t... i>(std::index_sequence<i...>) HWY_ATTR {
      (run_block<i>(parameters, i == 0 ? memory + x_at : memory + placed.result[i == 0 ? 0 : i - 1],
                    i + 1 == count ? memory + y_at : memory + placed.result[i], n, length, memory),
       ...);
    }(std::make_index_sequence<count>{});
    for_each_row_of_run<Y::dims, vary_y, longest>(
        n, [&](std::size_t to, std::size_t from, std::size_t floats) {
          std::copy_n(memory + y_at + from, floats, y + to);
        });
  }

 private:
  template <std::size_t i>
  static HWY_INLINE void run_block(const float* parameters, const float* x, float* y,
                                   std::size_t n, const float& length, float* memory) noexcept {
    const float* const inputs[] = {x, &length};
    Run<i>::Run::run({inputs, parameters + starts[i].trained, &y, memory + placed.scratch[i],
                      parameters + starts[i].fixed, n});
  }
};

template <class Net, Varying axes>
using RunUpTo = LengthRun<Net, axes, etch::detail::longest_run<Net, axes>>;
}  // namespace detail

/// Working memory for runs of any length up to the longest. Its contents mean nothing between two
/// calls.
template <class Net, Varying axes = sequence_length> struct UpToWorkspace {
  alignas(64) float data[detail::RunUpTo<Net, axes>::workspace] = {};
};

/// Runs a network on inputs of which some axes are shorter than in its type: `n` long, from 1 to
/// the extent there. x holds the inputs one after the other and y is to hold the output, both
/// packed, with n in place of that extent: Input<32, 64> and n = 5 take [5, 64]. What would be
/// behind n is not computed, but for what a register holds beside. Results are those of the network
/// whose type has this length, up to the order of sums. Only for networks with one output.
template <class Net, Varying axes>
void infer_up_to(const Parameters<Net>& parameters, UpToWorkspace<Net, axes>& workspace,
                 std::size_t n, std::span<const float> x, std::span<float> y) noexcept {
  detail::RunUpTo<Net, axes>::run(parameters.data, n, x.data(), y.data(), workspace.data);
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace etch {
using HWY_NAMESPACE::infer_up_to;
using HWY_NAMESPACE::UpToWorkspace;
}  // namespace etch

#endif
