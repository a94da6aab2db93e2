// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_NETWORK_STREAM_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_STREAM_HPP
#undef ETCH_NETWORK_STREAM_HPP
#else
#define ETCH_NETWORK_STREAM_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "etch/network/flush_denormals.hpp"
#include "etch/network/held_parameters.hpp"
#include "etch/network/parameters.hpp"
#include "etch/network/streaming.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

template <bool ok, class Net> inline constexpr bool runs_step_by_step = ok;

namespace detail {
/// What memory is for; of a network that has no stream nothing is asked.
template <class Net, std::size_t n, bool ok = streams<Net, n>> struct stream_floats {
  static constexpr std::size_t state = Streaming<Net, n>::state_floats;
  static constexpr std::size_t workspace = Streaming<Net, n>::workspace;
  static constexpr std::size_t stack = Streaming<Net, n>::stack;
};
template <class Net, std::size_t n> struct stream_floats<Net, n, false> {
  static constexpr std::size_t state = 0, workspace = 0, stack = 0;
};
}  // namespace detail

/// What a network remembers from one call to the next when it runs n steps a call: states of
/// recurrences, windows of convolutions, keys and values of attention. Plain memory: it may be
/// copied and put back.
template <class Net, std::size_t n = 1> struct State {
  static_assert(runs_step_by_step<streams<Net, n> || !Net::valid, Net>,
                "etch: some layer of this network needs all of its sequence at once");
  static constexpr std::size_t floats = detail::stream_floats<Net, n>::state;

  alignas(64) float data[floats == 0 ? 1 : floats] = {};
  std::uint64_t steps = 0;  ///< since the start

  /// To where nothing has come in yet.
  void reset() noexcept {
    std::ranges::fill(data, 0.f);
    steps = 0;
  }
};

/// Bytes of a State, of the working memory beside it, and of the stack that a step may use when it
/// is compiled with -O2.
template <class Net, std::size_t n = 1>
inline constexpr std::size_t state_bytes = sizeof(State<Net, n>);
template <class Net, std::size_t n = 1>
inline constexpr std::size_t stream_workspace_bytes =
    sizeof(float) * detail::stream_floats<Net, n>::workspace;
template <class Net, std::size_t n = 1>
inline constexpr std::size_t stream_stack_bytes =
    frame_bytes + detail::stream_floats<Net, n>::stack;

/// Working memory of one thread; its contents mean nothing between two calls.
template <class Net, std::size_t n = 1> struct StreamWorkspace {
  static constexpr std::size_t floats = detail::stream_floats<Net, n>::workspace;

  alignas(64) float data[floats == 0 ? 1 : floats];
};

/// The next n steps: x and y are the shapes of the network with n where its time is, [n, F], or
/// [C, n] for convolutions. Results come `latency<Net>` steps late; otherwise they are those of the
/// whole sequence: to the bit where there is a recurrence, else up to the order of sums.
template <class Net, std::size_t n>
  requires(streams<Net, n>)
void step(const Parameters<Net>& parameters, State<Net, n>& state,
          StreamWorkspace<Net, n>& workspace,
          std::span<const float, Streaming<Net, n>::inputs> x,
          std::span<float, Streaming<Net, n>::outputs> y) noexcept {
  Streaming<Net, n>::run(parameters.data, state.data, state.steps, x.data(), y.data(),
                         workspace.data);
  state.steps += n;
}

/// Of a network that has no stream, which State has reported: takes everything.
template <class Net, std::size_t n, class X, class Y>
  requires(!streams<Net, n>)
void step(const Parameters<Net>&, State<Net, n>&, StreamWorkspace<Net, n>&, X&&, Y&&) noexcept;

namespace detail {

/// `step` as compiled with its caller.
template <class Net, std::size_t n> struct InlineStep {
  HWY_INLINE void operator()(const Parameters<Net>& parameters, State<Net, n>& state,
                             StreamWorkspace<Net, n>& workspace,
                             std::span<const float, Streaming<Net, n>::inputs> x,
                             std::span<float, Streaming<Net, n>::outputs> y) const noexcept {
    step<Net, n>(parameters, state, workspace, x, y);
  }
};

/// The calls of a stream, its state and the memory for them. Self has parameters(), Function is
/// called as `step` is.
template <class Self, class Net, std::size_t n, class Function = InlineStep<Net, n>>
class StreamCalls {
 public:
  static constexpr std::size_t inputs = Streaming<Net, n>::inputs;
  static constexpr std::size_t outputs = Streaming<Net, n>::outputs;

  /// y = model(x) for the next n steps: x an array, C array or span of `inputs` floats.
  template <class X> std::array<float, outputs> operator()(const X& x) noexcept {
    std::array<float, outputs> y;
    (*this)(x, std::span<float, outputs>(y));
    return y;
  }

  /// The same into the caller's memory.
  template <class X> void operator()(const X& x, std::span<float, outputs> y) noexcept {
    constexpr std::size_t size = decltype(std::span(x))::extent;
    static_assert(shapes_agree<size == inputs, AtLayer<0, Self>, Expected<Shape<inputs>>,
                               Got<Shape<size>>>,
                  "etch: the input has another size (of a vector, pass std::span<const float, n>)");
    if constexpr (size == inputs) {
      function_(static_cast<const Self&>(*this).parameters(), state_, workspace_,
                std::span<const float, inputs>(x), y);
    }
  }

  /// As if nothing had come in yet.
  void reset() noexcept { state_.reset(); }

  /// What has come in so far, to go back to: restore(state) of this stream or of another on the
  /// same weights goes on with the same bits. A State may be large (state_bytes<Net, n>): state()
  /// is the one inside, to copy from without another on the stack.
  State<Net, n> save() const noexcept { return state_; }
  void restore(const State<Net, n>& state) noexcept { state_ = state; }

  State<Net, n>& state() noexcept { return state_; }
  const State<Net, n>& state() const noexcept { return state_; }

  /// Runs a step of zeros, which is forgotten at once, and touches all parameters and all of the
  /// workspace. After that no call waits for a page or for the loader: for a thread to do before
  /// its time becomes precious. Takes a copy of the state on the stack.
  void warm_up() noexcept {
    const Parameters<Net>& parameters = static_cast<const Self&>(*this).parameters();
    HWY_NAMESPACE::touch(parameters.data, parameters.floats);
    std::ranges::fill(workspace_.data, 0.f);
    const State<Net, n> kept = state_;
    const std::array<float, inputs> zeros{};
    (*this)(zeros);
    state_ = kept;
  }

 protected:
  [[no_unique_address]] Function function_;

 private:
  State<Net, n> state_;
  StreamWorkspace<Net, n> workspace_;
};

}  // namespace detail

/// A network with its weights, its state and its memory, for a stream of n steps a call.
template <class Net, std::size_t n = 1, bool ok = streams<Net, n>>
class StreamingModel : public detail::StreamCalls<StreamingModel<Net, n>, Net, n>,
                       public detail::OwnParameters<Net> {
 public:
  using detail::OwnParameters<Net>::OwnParameters;
};

/// A stream whose weights are somebody else's, who keeps them as long as it lives: the voices of a
/// synthesizer, say. Each has its own state and working memory, and a pointer beside them.
template <class Net, std::size_t n = 1, bool ok = streams<Net, n>>
class SharedStreamingModel : public detail::StreamCalls<SharedStreamingModel<Net, n>, Net, n>,
                             public detail::SharedParameters<Net> {
 public:
  using detail::SharedParameters<Net>::SharedParameters;
};

/// The same; so that no other error hides the first.
template <class Net, std::size_t n> class StreamingModel<Net, n, false> {
 public:
  struct Nothing {
    template <class T> operator T() const;
    float operator[](std::size_t) const;
  };
  template <class... X> explicit StreamingModel(X&&...) {}
  template <class... X> Nothing operator()(X&&...) noexcept;
  void reset() noexcept;
  State<Net, n>& state() noexcept;

 private:
  State<Net, n> state_;  // reports it
};
template <class Net, std::size_t n>
class SharedStreamingModel<Net, n, false> : public StreamingModel<Net, n, false> {
 public:
  using StreamingModel<Net, n, false>::StreamingModel;
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace etch {
using HWY_NAMESPACE::SharedStreamingModel;
using HWY_NAMESPACE::State;
using HWY_NAMESPACE::state_bytes;
using HWY_NAMESPACE::step;
using HWY_NAMESPACE::stream_stack_bytes;
using HWY_NAMESPACE::stream_workspace_bytes;
using HWY_NAMESPACE::StreamingModel;
using HWY_NAMESPACE::StreamWorkspace;
}  // namespace etch

#endif
