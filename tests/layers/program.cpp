// SPDX-License-Identifier: BSL-1.0
#include "program.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <sstream>
#include <stdexcept>

namespace layers {

namespace {

constexpr std::align_val_t cache_line{64};

std::size_t size_of(const etch::Tape& tape, const etch::Instruction& value) {
  return value.shape.size() * (value.batched ? tape.batch : 1);
}

/// A matrix read column by column. Rows and columns are those of `from`.
template <class T>
Numbers<T> transposed(const Numbers<T>& from, std::size_t rows, std::size_t columns) {
  Numbers<T> to(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i % columns * rows + i / columns] = from[i];
  return to;
}

std::size_t columns(const etch::ParameterInfo& info) {
  return info.shape.size() / info.shape[0];
}

template <class T> Numbers<T> stored(const etch::ParameterInfo& info, const Numbers<T>& values) {
  return info.transposed ? transposed(values, info.shape[0], columns(info)) : values;
}

template <class T> Numbers<T> shown(const etch::ParameterInfo& info, const Numbers<T>& values) {
  return info.transposed ? transposed(values, columns(info), info.shape[0]) : values;
}

const Numbers<double>& weight(const Named<double>& parameters, const etch::ParameterInfo& info) {
  const std::string name(info.name.view());
  const auto found = parameters.find(name);
  if (found == parameters.end()) throw std::runtime_error("no values for parameter " + name);
  if (found->second.size() != info.shape.size()) throw std::runtime_error("size of " + name);
  return found->second;
}

std::vector<Numbers<float>> run_generated(const Program& program,
                                          const std::vector<Numbers<float>>& inputs,
                                          const std::vector<Numbers<float>>& parameters) {
  const etch::Tape& tape = program.tape;
  const etch::ParameterFloats floats = etch::parameter_floats(tape);
  const Aligned weights(floats.trained), fixed(floats.fixed), workspace(program.workspace);
  for (std::size_t row = 0; row < parameters.size(); ++row) {
    const bool trained = tape.parameters[row].role == etch::Role::trained;
    std::ranges::copy(parameters[row], (trained ? weights : fixed).data() +
                                           etch::parameter_offset(tape, row));
  }
  std::vector<Aligned> sources, targets;
  std::vector<const float*> in;
  std::vector<float*> out;
  for (const Numbers<float>& input : inputs) in.push_back(sources.emplace_back(input).data());
  for (const int output : tape.outputs) {
    out.push_back(targets.emplace_back(size_of(tape, tape[output])).data());
  }
  program.run({in.data(), weights.data(), out.data(), workspace.data(), fixed.data()});
  std::vector<Numbers<float>> results;
  for (const Aligned& t : targets) results.push_back(t.values());
  return results;
}

}  // namespace

Aligned::Aligned(std::size_t floats)
    : size_(floats), data_(static_cast<float*>(operator new(floats * sizeof(float), cache_line))) {
  std::fill_n(data_.get(), floats, std::numeric_limits<float>::quiet_NaN());
}
Aligned::Aligned(const Numbers<float>& values) : Aligned(values.size()) {
  std::ranges::copy(values, data_.get());
}
void Aligned::Free::operator()(float* p) const { operator delete(p, cache_line); }

template <>
std::vector<Numbers<float>> execute(const Program& program,
                                    const std::vector<Numbers<float>>& inputs,
                                    const std::vector<Numbers<float>>& parameters) {
  return run_generated(program, inputs, parameters);
}
template <>
std::vector<Numbers<double>> execute(const Program& program,
                                     const std::vector<Numbers<double>>& inputs,
                                     const std::vector<Numbers<double>>& parameters) {
  auto results = etch::interpret<double>(program.tape, inputs, parameters);
  if (results.size() != program.tape.outputs.size()) throw std::runtime_error("interpret failed");
  return results;
}

template <class T>
Pass<T> run_pass(const Trainable& net, const Named<double>& parameters, const Numbers<T>& x,
                 const std::function<Numbers<T>(const Numbers<T>&)>& seed) {
  struct Trace {
    std::vector<Numbers<T>> weights, results;  // y, then what is kept
    Numbers<T> x;
    std::size_t first_row;
  };
  const Numbers<T> share(net.batch, T(1) / static_cast<T>(net.batch));
  const Numbers<T> keys = cast<T>(random_keys);
  std::vector<Trace> traces;
  Pass<T> pass{x, {}, {}};
  std::size_t row = 0;
  for (const TrainingBlock& block : net.blocks) {
    Trace trace{{}, {}, pass.y, row};
    for (std::size_t k = 0; k < block.forward.tape.parameters.size(); ++k) {
      const etch::ParameterInfo& info = net.parameters.at(row++).info;
      trace.weights.push_back(stored(info, cast<T>(weight(parameters, info))));
    }
    trace.results = execute<T>(block.forward, {trace.x, {}, {}, share, keys}, trace.weights);
    pass.y = trace.results[0];
    traces.push_back(trace);
  }
  pass.dx = seed(pass.y);
  for (std::size_t b = traces.size(); b-- > 0;) {
    const Trace& trace = traces[b];
    std::vector<Numbers<T>> inputs{trace.x, pass.dx};
    inputs.insert(inputs.end(), trace.results.begin(), trace.results.end());
    inputs.insert(inputs.begin() + etch::TrainingInput::of_weight, {share, keys});
    const auto gradients = execute<T>(net.blocks[b].backward, inputs, trace.weights);
    std::size_t output = 0;
    for (std::size_t k = 0; k < trace.weights.size(); ++k) {
      const etch::ParameterInfo& info = net.parameters[trace.first_row + k].info;
      if (info.role == etch::Role::frozen) continue;
      pass.gradients[std::string(info.name.view())] = shown(info, gradients[output++]);
    }
    pass.dx = gradients.back();
  }
  return pass;
}

template Pass<float> run_pass(const Trainable&, const Named<double>&, const Numbers<float>&,
                              const std::function<Numbers<float>(const Numbers<float>&)>&);
template Pass<double> run_pass(const Trainable&, const Named<double>&, const Numbers<double>&,
                               const std::function<Numbers<double>(const Numbers<double>&)>&);

Numbers<float> placed(const std::vector<etch::PlacedParameter>& table, std::size_t floats,
                      const Named<double>& parameters) {
  Numbers<float> result(floats, 0);
  for (const etch::PlacedParameter& p : table) {
    const Numbers<float> values = stored(p.info, cast<float>(weight(parameters, p.info)));
    std::ranges::copy(values, result.begin() + static_cast<std::ptrdiff_t>(p.offset));
  }
  return result;
}

Named<float> by_name(const std::vector<etch::PlacedParameter>& table,
                     const Numbers<float>& placed) {
  Named<float> result;
  for (const etch::PlacedParameter& p : table) {
    const auto from = placed.begin() + static_cast<std::ptrdiff_t>(p.offset);
    const Numbers<float> values(from, from + static_cast<std::ptrdiff_t>(p.info.shape.size()));
    result[std::string(p.info.name.view())] = shown(p.info, values);
  }
  return result;
}

Numbers<float> infer(const Inference& net, const Numbers<float>& parameters,
                     const Numbers<float>& x, std::size_t shift) {
  const Aligned weights(parameters);
  const std::size_t in = net.batch * net.inputs, out = net.batch * net.outputs;
  Numbers<float> results;
  for (std::size_t at = 0; at < x.size(); at += in) {
    const Aligned source(shift + in), to(shift + out), workspace(net.workspace);
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(at), in, source.data() + shift);
    net.run(weights.data(), workspace.data(), source.data() + shift, to.data() + shift);
    results.insert(results.end(), to.data() + shift, to.data() + shift + out);
  }
  return results;
}

template <class T>
std::string difference(const Numbers<T>& got, const Numbers<double>& want, Tolerance tolerance) {
  std::ostringstream text;
  text.precision(10);
  if (got.size() != want.size()) {
    text << got.size() << " numbers instead of " << want.size();
    return text.str();
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - want[i]);
    if (error <= tolerance.absolute + tolerance.relative * std::abs(want[i])) continue;
    text << "[" << i << "] is " << got[i] << " instead of " << want[i];
    return text.str();
  }
  return {};
}

template std::string difference(const Numbers<float>&, const Numbers<double>&, Tolerance);
template std::string difference(const Numbers<double>&, const Numbers<double>&, Tolerance);

Numbers<double> scattered(std::size_t n, unsigned seed) {
  etch::Random random(seed);
  Numbers<double> result;
  for (std::size_t i = 0; i < n; ++i) {
    result.push_back(static_cast<double>(random.uniform(-1.f, 1.f)));
  }
  return result;
}

}  // namespace layers
