// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "etch/etch.hpp"
#include "etch/network/backpropagation.hpp"

// Generated code as data: function pointers and tapes instead of types, so that the drivers that
// run and compare it are ordinary functions, compiled once (program.cpp).

namespace layers {

namespace target = etch::HWY_NAMESPACE;
template <class T> using Numbers = std::vector<T>;

/// Those of all blocks.
inline const Numbers<double> random_keys = {12345, 67890};
template <class T> using Named = std::map<std::string, Numbers<T>>;

/// A routine, and the tape that it was generated from.
struct Program {
  void (*run)(const target::Tensors&) noexcept;
  etch::Tape tape;
  std::size_t workspace;  ///< floats
};

template <class Source> Program program_of() {
  using Run = target::Routine<Source>;
  const auto run = [](const target::Tensors& t) noexcept { static_cast<void>(Run::run(t)); };
  return {run, Run::tape.thaw(), Run::workspace};
}

/// Both directions of a block, the gradient of its input included.
struct TrainingBlock {
  Program forward, backward;
};

/// A network for batches of one size.
struct Trainable {
  std::size_t batch;
  std::vector<etch::PlacedParameter> parameters;
  std::size_t parameter_floats;
  std::vector<TrainingBlock> blocks;
  bool recurrent;  ///< then `blocks` has not all of them
  etch::Tape formula;  ///< the whole network as its layers say, in training
};

namespace detail {
template <std::size_t batch, class Layers, class S, std::size_t first>
void add_block(Trainable& net, etch::Block<Layers, S, first>) {
  net.blocks.push_back({program_of<etch::ForwardTape<Layers, S, batch, true>>(),
                        program_of<etch::BackwardTape<Layers, S, batch, true>>()});
}
/// A recurrence is more than two programs: it is tested as part of its network.
template <std::size_t batch, class R, class S, std::size_t layer>
void add_block(Trainable& net, etch::RecurrentBlock<R, S, layer>) {
  net.recurrent = true;
}
}  // namespace detail

template <class Net, std::size_t batch> Trainable trainable() {
  const auto& table = etch::parameter_table<Net>;
  Trainable result{batch, {table.begin(), table.end()}, etch::parameter_floats_of<Net>, {}, false,
                   etch::network_tape<Net>(batch, etch::Phase::training)};
  [&]<class... B>(etch::mp::mp_list<B...>) {
    (detail::add_block<batch>(result, B{}), ...);
  }(etch::Blocks<Net>{});
  return result;
}

/// etch::infer behind one type for all networks: `parameters` as they lie in Parameters<Net>.
struct Inference {
  std::size_t batch, inputs, outputs;  ///< sizes of one sample
  std::size_t workspace;               ///< floats
  void (*run)(const float* parameters, float* workspace, const float* x, float* y);
};

template <class Net, std::size_t batch> Inference inference() {
  constexpr std::size_t in = etch::InputShape<Net>::size, out = etch::OutputShape<Net>::size;
  const auto run = [](const float* parameters, float* workspace, const float* x, float* y) {
    etch::infer<Net, batch>(*reinterpret_cast<const etch::Parameters<Net>*>(parameters),
                            *reinterpret_cast<etch::Workspace<Net, batch>*>(workspace),
                            std::span<const float, batch * in>(x, batch * in),
                            std::span<float, batch * out>(y, batch * out));
  };
  return {batch, in, out, etch::Workspace<Net, batch>::floats, run};
}

/// Floats on a cache line that end where their allocation ends, NaN at first.
class Aligned {
 public:
  explicit Aligned(std::size_t floats);
  explicit Aligned(const Numbers<float>& values);
  float* data() const { return data_.get(); }
  Numbers<float> values() const { return {data_.get(), data_.get() + size_}; }

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::size_t size_;
  std::unique_ptr<float[], Free> data_;
};

/// What etch::interpret does, by the generated code for float, by the interpreter for double.
template <class T>
std::vector<Numbers<T>> execute(const Program& program, const std::vector<Numbers<T>>& inputs,
                                const std::vector<Numbers<T>>& parameters);

/// One forward and backward pass. Gradients have PyTorch's names and layout.
template <class T> struct Pass {
  Numbers<T> y, dx;
  Named<T> gradients;
};

/// `seed` turns y into the gradient of y.
template <class T>
Pass<T> run_pass(const Trainable& net, const Named<double>& parameters, const Numbers<T>& x,
                 const std::function<Numbers<T>(const Numbers<T>&)>& seed);

/// Weights by name, row-major as PyTorch has them, to the bytes of Parameters<Net>; and back.
Numbers<float> placed(const std::vector<etch::PlacedParameter>& table, std::size_t floats,
                      const Named<double>& parameters);
Named<float> by_name(const std::vector<etch::PlacedParameter>& table, const Numbers<float>& placed);

/// Runs x [n, inputs], batch by batch (n a multiple of it), in memory full of NaN. Input and output
/// end where their allocations end and start `shift` floats off a cache line.
Numbers<float> infer(const Inference& net, const Numbers<float>& parameters,
                     const Numbers<float>& x, std::size_t shift = 0);

template <class To, class From> Numbers<To> cast(const Numbers<From>& from) {
  Numbers<To> result;
  for (const From value : from) result.push_back(static_cast<To>(value));
  return result;
}

/// |got - want| <= absolute + relative |want|.
struct Tolerance {
  double relative, absolute;
};

/// Empty if all numbers agree, else the first that does not. NaN agrees with nothing.
template <class T>
std::string difference(const Numbers<T>& got, const Numbers<double>& want, Tolerance tolerance);

/// n numbers in [-1, 1] without a pattern, each a float.
Numbers<double> scattered(std::size_t n, unsigned seed);

}  // namespace layers
