// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_NETWORK_MODEL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_MODEL_HPP
#undef ETCH_NETWORK_MODEL_HPP
#else
#define ETCH_NETWORK_MODEL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "etch/network/check_input.hpp"
#include "etch/network/flush_denormals.hpp"
#include "etch/network/held_parameters.hpp"
#include "etch/network/inference.hpp"
#include "etch/network/parameters.hpp"

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

/// Bytes of working memory for the inference of `batch` samples.
template <class Net, std::size_t batch = 1>
inline constexpr std::size_t workspace_bytes = sizeof(float) * Inference<Net, batch>::workspace;

/// Bytes of stack that it may use, compiled with -O2, were no register there to hold anything; most
/// networks take a quarter of it. On x86 for any of its vectors, those of a dispatched model, too.
template <class Net, std::size_t batch = 1>
inline constexpr std::size_t stack_bytes = frame_bytes + Inference<Net, batch>::stack;

/// Working memory of one thread; its contents mean nothing between two calls.
template <class Net, std::size_t batch = 1> struct Workspace {
  static constexpr std::size_t floats = Inference<Net, batch>::workspace;

  alignas(64) float data[floats == 0 ? 1 : floats];
};

/// Runs `batch` samples: x [batch, input...], y [batch, output...], row-major. Parameters are only
/// read, so threads may share them, each with a workspace of its own. Neither allocates nor throws.
/// Denormal numbers are treated as the calling thread treats them: see FlushDenormals.
template <class Net, std::size_t batch>
void infer(const Parameters<Net>& parameters, Workspace<Net, batch>& workspace,
           std::span<const float, batch * InputShape<Net>::size> x,
           std::span<float, batch * OutputShape<Net>::size> y) noexcept {
  Inference<Net, batch>::run(parameters.data, x.data(), y.data(), workspace.data);
}

namespace detail {

/// Where several inputs come together as the row that a network reads; one input stays outside.
template <class Net, class S = etch::detail::InputsOf<Net>> struct InputRow {};
template <class Net, class... S> struct InputRow<Net, Shapes<S...>> {
  alignas(64) float data[InputShape<Net>::size];
};

template <class X>
inline constexpr std::size_t numbers_in = decltype(std::span(std::declval<const X&>()))::extent;

/// What a model with several inputs is called with: not the whole row, which may come with a place
/// for the result.
template <class Net, class First>
concept OneOfInputs =
    are_shapes<etch::detail::InputsOf<Net>> && numbers_in<First> != InputShape<Net>::size;

template <class S, class... X> struct same_sizes {
  static constexpr bool value = false;
};
template <class... S, class... X>
  requires(sizeof...(S) == sizeof...(X))
struct same_sizes<Shapes<S...>, X...> {
  static constexpr bool value = ((S::size == numbers_in<X>) && ...);
};

/// `infer` as compiled with its caller.
template <class Net, std::size_t batch> struct InlineInfer {
  HWY_INLINE void operator()(const Parameters<Net>& parameters, Workspace<Net, batch>& workspace,
                             std::span<const float, batch * InputShape<Net>::size> x,
                             std::span<float, batch * OutputShape<Net>::size> y) const noexcept {
    infer<Net, batch>(parameters, workspace, x, y);
  }
};

/// The calls of a model and the memory for them. Self has parameters(), Function is called as
/// `infer` is.
template <class Self, class Net, std::size_t batch = 1, class Function = InlineInfer<Net, batch>>
class ModelCalls {
 public:
  static constexpr std::size_t inputs = batch * InputShape<Net>::size;
  static constexpr std::size_t outputs = batch * OutputShape<Net>::size;

  /// y = model(x): x an array, C array or span of `inputs` floats.
  template <class X> std::array<float, outputs> operator()(const X& x) noexcept {
    std::array<float, outputs> y;
    run(x, y);
    return y;
  }

  /// The same into the caller's memory.
  template <class X>
    requires(!OneOfInputs<Net, X>)
  void operator()(const X& x, std::span<float, outputs> y) noexcept {
    run(x, y);
  }

  /// y = model(x0, x1) of a network with several inputs, each as above. model(x) takes them one
  /// after the other.
  template <class First, class... More>
    requires(sizeof...(More) > 0 && batch == 1 && OneOfInputs<Net, First>)
  std::array<float, outputs> operator()(const First& first, const More&... more) noexcept {
    using Wanted = etch::detail::InputsOf<Net>;
    constexpr bool fits = same_sizes<Wanted, First, More...>::value;
    using Found = Shapes<Shape<numbers_in<First>>, Shape<numbers_in<More>>...>;
    static_assert(shapes_agree<fits, AtLayer<0, Self>, Expected<Wanted>, Got<Found>>,
                  "etch: the inputs have other sizes (of vectors, pass std::span<const float, n>)");
    std::array<float, outputs> y;
    if constexpr (fits) {
      float* to = row_.data;
      const auto add = [&](std::span<const float> x) { to = std::ranges::copy(x, to).out; };
      add(first);
      (add(more), ...);
      run(row_.data, y);
    }
    return y;
  }

  /// The same, or an error if an index among the inputs has no row in its table: see check_input.
  Result<std::array<float, outputs>> checked(std::span<const float, inputs> x)
    requires(batch == 1)
  {
    if (auto good = check_input<Net>(x); !good) return good.error();
    return (*this)(x);
  }

  /// Runs once on zeros, on the stack with the result, and touches all parameters and all of the
  /// workspace. After that no call waits for a page or for the loader: for a thread to do before
  /// its time becomes precious.
  void warm_up() noexcept {
    const Parameters<Net>& parameters = static_cast<const Self&>(*this).parameters();
    HWY_NAMESPACE::touch(parameters.data, parameters.floats);
    std::ranges::fill(workspace_.data, 0.f);
    const std::array<float, inputs> zeros{};
    (*this)(zeros);
  }

 protected:
  [[no_unique_address]] Function function_;

 private:
  template <class X> void run(const X& x, std::span<float, outputs> y) noexcept {
    constexpr std::size_t size = numbers_in<X>;
    static_assert(shapes_agree<size == inputs, AtLayer<0, Self>, Expected<Shape<inputs>>,
                               Got<Shape<size>>>,
                  "etch: the input has another size (of a vector, pass std::span<const float, n>)");
    if constexpr (size == inputs) {
      function_(static_cast<const Self&>(*this).parameters(), workspace_,
                std::span<const float, inputs>(x), y);
    }
  }

  Workspace<Net, batch> workspace_;
  [[no_unique_address]] InputRow<Net> row_;
};

}  // namespace detail

/// A network with its weights and its memory: all a caller needs who runs one sample at a time.
/// The object holds everything inside; place it where so much memory may lie. Where activations may
/// become denormal, hold a FlushDenormals around the calls.
template <class Net, bool valid = Net::valid>
class Model : public detail::ModelCalls<Model<Net>, Net>, public detail::OwnParameters<Net> {
 public:
  using detail::OwnParameters<Net>::OwnParameters;
};

/// A model whose weights are somebody else's, who keeps them as long as it lives: the voices of a
/// synthesizer, the characters of a game, the threads of a server. Each has its own working memory,
/// and a pointer beside it.
template <class Net, bool valid = Net::valid>
class SharedModel : public detail::ModelCalls<SharedModel<Net>, Net>,
                    public detail::SharedParameters<Net> {
 public:
  using detail::SharedParameters<Net>::SharedParameters;
};

/// The model of a network with a mistake, which has been reported: takes everything, so that no
/// other error hides the first.
template <class Net> class Model<Net, false> {
 public:
  struct Nothing {
    template <class T> operator T() const;
    float operator[](std::size_t) const;
  };
  template <class... X> explicit Model(X&&...) {}
  template <class... X> Nothing operator()(X&&...) noexcept;
};
template <class Net> class SharedModel<Net, false> : public Model<Net, false> {
 public:
  using Model<Net, false>::Model;
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace etch {
using HWY_NAMESPACE::infer;
using HWY_NAMESPACE::Model;
using HWY_NAMESPACE::SharedModel;
using HWY_NAMESPACE::stack_bytes;
using HWY_NAMESPACE::Workspace;
using HWY_NAMESPACE::workspace_bytes;
}  // namespace etch

#endif
