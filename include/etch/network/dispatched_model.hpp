// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <hwy/highway.h>

#include <cstddef>
#include <span>

#include "etch/network/dispatched_function.hpp"
#include "etch/network/model.hpp"
#include "etch/network/stream.hpp"

// Models that run the widest vectors of the machine they are on, whatever flags they were compiled
// with: as their namesakes without "Dispatched", but that a call goes through one pointer. The
// functions come from the one file that has ETCH_DISPATCH: see etch/dispatch.hpp.
//
//   using Policy = etch::DispatchedModel<Net>;   // in a header
//   ETCH_DISPATCH(Policy)                        // in one file, outside of all namespaces

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

namespace detail {
/// The best function of this machine, chosen when this is made.
template <class Function> class Dispatched {
 public:
  using Of = Function;

  /// The instruction set that runs: "AVX3", "AVX2", "SSE4", "SSSE3", "SCALAR", ...
  const char* target() const noexcept { return hwy::TargetName(best_.target); }

 protected:
  ForTarget<typename Of::type> best_ = best_function_of_ETCH_DISPATCH<Of>();
};
}  // namespace detail

/// `infer`, to be called with parameters and memory of the caller's: those that LiveParameters has
/// at the moment, say.
template <class Net, std::size_t batch = 1>
class DispatchedInfer : public detail::Dispatched<InferFunction<Net, batch>> {
 public:
  void operator()(const Parameters<Net>& parameters, Workspace<Net, batch>& workspace,
                  std::span<const float, batch * InputShape<Net>::size> x,
                  std::span<float, batch * OutputShape<Net>::size> y) const noexcept {
    this->best_.run(parameters.data, x.data(), y.data(), workspace.data);
  }
};

/// `step` likewise.
template <class Net, std::size_t n = 1>
class DispatchedStep : public detail::Dispatched<StepFunction<Net, n>> {
 public:
  void operator()(const Parameters<Net>& parameters, State<Net, n>& state,
                  StreamWorkspace<Net, n>& workspace,
                  std::span<const float, Streaming<Net, n>::inputs> x,
                  std::span<float, Streaming<Net, n>::outputs> y) const noexcept {
    this->best_.run(parameters.data, state.data, state.steps, x.data(), y.data(),
                    workspace.data);
    state.steps += n;
  }
};

namespace detail {
template <class Self, class Net, std::size_t batch>
class DispatchedModelCalls : public ModelCalls<Self, Net, batch, DispatchedInfer<Net, batch>> {
 public:
  using Of = InferFunction<Net, batch>;
  /// See DispatchedInfer.
  const char* target() const noexcept { return this->function_.target(); }
};

template <class Self, class Net, std::size_t n>
class DispatchedStreamCalls : public StreamCalls<Self, Net, n, DispatchedStep<Net, n>> {
 public:
  using Of = StepFunction<Net, n>;
  /// See DispatchedStep.
  const char* target() const noexcept { return this->function_.target(); }
};
}  // namespace detail

/// Model, also of a batch: x [batch, input...], y [batch, output...].
template <class Net, std::size_t batch = 1, bool valid = Net::valid>
class DispatchedModel
    : public detail::DispatchedModelCalls<DispatchedModel<Net, batch>, Net, batch>,
      public detail::OwnParameters<Net> {
 public:
  using detail::OwnParameters<Net>::OwnParameters;
};

/// SharedModel, also of a batch.
template <class Net, std::size_t batch = 1, bool valid = Net::valid>
class SharedDispatchedModel
    : public detail::DispatchedModelCalls<SharedDispatchedModel<Net, batch>, Net, batch>,
      public detail::SharedParameters<Net> {
 public:
  using detail::SharedParameters<Net>::SharedParameters;
};

/// StreamingModel: n steps a call, x and y as `step` has them.
template <class Net, std::size_t n = 1, bool ok = streams<Net, n>>
class DispatchedStreamingModel
    : public detail::DispatchedStreamCalls<DispatchedStreamingModel<Net, n>, Net, n>,
      public detail::OwnParameters<Net> {
 public:
  using detail::OwnParameters<Net>::OwnParameters;
};

/// SharedStreamingModel.
template <class Net, std::size_t n = 1, bool ok = streams<Net, n>>
class SharedDispatchedStreamingModel
    : public detail::DispatchedStreamCalls<SharedDispatchedStreamingModel<Net, n>, Net, n>,
      public detail::SharedParameters<Net> {
 public:
  using detail::SharedParameters<Net>::SharedParameters;
};

/// Of networks with a mistake, which has been reported; so that no other error hides the first.
template <class Net, std::size_t batch>
class DispatchedModel<Net, batch, false> : public Model<Net, false> {
 public:
  using Of = NoFunction;
  using Model<Net, false>::Model;
  const char* target() const noexcept;
};
template <class Net, std::size_t batch>
class SharedDispatchedModel<Net, batch, false> : public DispatchedModel<Net, batch, false> {
 public:
  using DispatchedModel<Net, batch, false>::DispatchedModel;
};
template <class Net, std::size_t n>
class DispatchedStreamingModel<Net, n, false> : public StreamingModel<Net, n, false> {
 public:
  using Of = NoFunction;
  using StreamingModel<Net, n, false>::StreamingModel;
  const char* target() const noexcept;
};
template <class Net, std::size_t n>
class SharedDispatchedStreamingModel<Net, n, false>
    : public DispatchedStreamingModel<Net, n, false> {
 public:
  using DispatchedStreamingModel<Net, n, false>::DispatchedStreamingModel;
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace etch {
using HWY_NAMESPACE::DispatchedInfer;
using HWY_NAMESPACE::DispatchedModel;
using HWY_NAMESPACE::DispatchedStep;
using HWY_NAMESPACE::DispatchedStreamingModel;
using HWY_NAMESPACE::SharedDispatchedModel;
using HWY_NAMESPACE::SharedDispatchedStreamingModel;
}  // namespace etch
