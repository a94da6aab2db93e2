// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "etch/tape/constexpr_math.hpp"
#include "etch/tape/interpret/conv2d.hpp"
#include "etch/tape/interpret/elementwise.hpp"
#include "etch/tape/interpret/matmul.hpp"
#include "etch/tape/interpret/movement.hpp"
#include "etch/tape/interpret/pool2d.hpp"
#include "etch/tape/interpret/reduce.hpp"
#include "etch/tape/interpret/step.hpp"
#include "etch/tape/tape.hpp"

namespace etch {

namespace rule {

/// The meaning of each op, a row each in the order of `Op`. Leaves are written before the run.
template <class T> constexpr void execute(const Step<T>& s) {
  using math::cos, math::erf, math::exp, math::expm1, math::log, math::log1p, math::pow, math::sin,
      math::sqrt, math::tanh;
  switch (s.code.op) {
    case Op::input: return;
    case Op::parameter: return;
    case Op::constant: return;
    case Op::iota: return;
    case Op::table: return;

    case Op::neg: return map(s, [](const T& x) { return -x; });
    case Op::abs: return map(s, [](const T& x) { return absolute(x); });
    case Op::exp: return map(s, [](const T& x) { return exp(x); });
    case Op::expm1: return map(s, [](const T& x) { return expm1(x); });
    case Op::log: return map(s, [](const T& x) { return log(x); });
    case Op::log1p: return map(s, [](const T& x) { return log1p(x); });
    case Op::sqrt: return map(s, [](const T& x) { return sqrt(x); });
    case Op::rsqrt: return map(s, [](const T& x) { return T(1) / sqrt(x); });
    case Op::sin: return map(s, [](const T& x) { return sin(x); });
    case Op::cos: return map(s, [](const T& x) { return cos(x); });
    case Op::tanh: return map(s, [](const T& x) { return tanh(x); });
    case Op::sigmoid: return map(s, [](const T& x) { return math::sigmoid(x); });
    case Op::erf: return map(s, [](const T& x) { return erf(x); });
    case Op::relu: return map(s, [](const T& x) { return relu(x); });

    case Op::add: return map(s, [](const T& a, const T& b) { return a + b; });
    case Op::sub: return map(s, [](const T& a, const T& b) { return a - b; });
    case Op::mul: return map(s, [](const T& a, const T& b) { return a * b; });
    case Op::div: return map(s, [](const T& a, const T& b) { return a / b; });
    case Op::max: return map(s, [](const T& a, const T& b) { return maximum(a, b); });
    case Op::min: return map(s, [](const T& a, const T& b) { return minimum(a, b); });
    case Op::pow: return map(s, [](const T& a, const T& b) { return pow(a, b); });
    case Op::less: return map(s, [](const T& a, const T& b) { return T(math::less(a, b)); });
    case Op::less_equal:
      return map(s, [](const T& a, const T& b) { return T(math::less(a, b) || a == b); });
    case Op::equal: return map(s, [](const T& a, const T& b) { return T(a == b); });

    case Op::random: return random(s);

    case Op::where:
      return map(s, [](const T& c, const T& a, const T& b) { return c == T(0) ? b : a; });

    case Op::reshape: case Op::detach: return reshape(s);
    case Op::permute: return permute(s);
    case Op::slice: return slice(s);
    case Op::broadcast: return broadcast(s);

    case Op::concat: return concat(s);
    case Op::pad: return pad(s);
    case Op::embedding: return embedding(s);
    case Op::embedding_gradient: return embedding_gradient(s);
    case Op::sum: return sum(s);
    case Op::max_reduce: return max_reduce(s);
    case Op::softmax: return softmax(s);
    case Op::log_softmax: return log_softmax(s);
    case Op::matmul: return matmul(s);
    case Op::conv1d: return conv1d(s);
    case Op::append: return append(s);
    case Op::conv2d: return conv2d(s);
    case Op::conv2d_input_gradient: return conv2d_input_gradient(s);
    case Op::conv2d_weight_gradient: return conv2d_weight_gradient(s);
    case Op::max_pool2d: return max_pool2d(s);
    case Op::max_pool2d_gradient: return max_pool2d_gradient(s);
    case Op::max_pool2d_pick: return max_pool2d_pick(s);
    case Op::avg_pool2d: return avg_pool2d(s);
    case Op::avg_pool2d_gradient: return avg_pool2d_gradient(s);
  }
}

}  // namespace rule

/// Runs a tape over run-time shapes, in the compiler or at run time: the oracle for the kernels,
/// the dynamic twin in the benchmarks, and the runner for graphs that were read from a file.
///
/// T is float, double or any number type that is default constructible and constructible from a
/// double, has + - * /, unary minus, == and <, and for which exp, expm1, log, log1p, sqrt, sin,
/// cos, tanh, erf and pow are found by argument-dependent lookup (a dual number, say); one that is
/// to run tapes with random numbers converts to double. All values live in one buffer that the
/// constructor allocates; run() allocates nothing.
template <class T> class Interpreter {
 public:
  /// A well-formed tape: arguments come earlier, shapes obey the rules of their ops.
  constexpr explicit Interpreter(Tape tape) : tape_(std::move(tape)), values_(floats(), T(0)) {
    steps_.reserve(tape_.size());
    T* data = values_.data();
    for (const Instruction& code : tape_.code) {
      steps_.push_back(step(code, data));
      data += size_of(code);
    }
    for (const rule::Step<T>& s : steps_) write_constant(s);
  }

  template <std::size_t instructions, std::size_t parameters, std::size_t outputs>
  constexpr explicit Interpreter(const FrozenTape<instructions, parameters, outputs>& tape)
      : Interpreter(tape.thaw()) {}

  constexpr Interpreter(Interpreter&&) = default;
  Interpreter(const Interpreter&) = delete;  // the steps point into this one's buffers
  Interpreter& operator=(const Interpreter&) = delete;

  constexpr const Tape& tape() const { return tape_; }

  /// x: [batch, shape...] for a batched input, else [shape...]. False if the tape has no such input
  /// or it has another size; then nothing is copied.
  constexpr bool set_input(std::size_t index, std::span<const T> x) {
    return set(Op::input, index, x.size(), [x](T* to) { copy(x, to); });
  }

  /// w: in the shape of the parameter instruction, that is in stored order. False as above.
  constexpr bool set_parameter(std::size_t index, std::span<const T> w) {
    return set(Op::parameter, index, w.size(), [w](T* to) { copy(w, to); });
  }

  /// The same of a parameter of `size` numbers that write(T*) writes, all of them.
  template <class Write>
  constexpr bool set_parameter(std::size_t index, std::size_t size, Write write) {
    return set(Op::parameter, index, size, write);
  }

  /// Computes every value from the inputs and parameters last set (zero where none was).
  constexpr void run() {
    for (const rule::Step<T>& s : steps_) rule::execute(s);
  }

  /// Result i of the tape, [batch, shape...] or [shape...], until the next run.
  constexpr std::span<const T> output(std::size_t i) const { return value(tape_.outputs[i]); }

  /// The value of instruction i.
  constexpr std::span<const T> value(int i) const {
    const rule::Step<T>& s = steps_[static_cast<std::size_t>(i)];
    return {s.data, size_of(s.code)};
  }

 private:
  constexpr std::size_t size_of(const Instruction& code) const {
    return code.shape.size() * (code.batched ? tape_.batch : 1);
  }
  constexpr std::size_t floats() const {
    std::size_t size = 0;
    for (const Instruction& code : tape_.code) size += size_of(code);
    return size;
  }

  constexpr rule::Step<T> step(const Instruction& code, T* data) const {
    rule::Step<T> s{.code = code,
                    .args = {},
                    .data = data,
                    .stride = code.batched ? code.shape.size() : 0,
                    .samples = code.batched || code.attr.over_batch ? tape_.batch : 1};
    for (std::size_t k = 0; k < info(code.op).arity; ++k) {
      const rule::Step<T>& arg = steps_[static_cast<std::size_t>(code.args[k])];
      s.args[k] = {arg.data, arg.stride, arg.code.shape};
    }
    return s;
  }

  static constexpr void write_constant(const rule::Step<T>& s) {
    if (s.code.op == Op::constant) s.fill(T(s.code.value));
    if (s.code.op == Op::iota) rule::iota(s);
    if (s.code.op != Op::table) return;
    for (std::size_t i = 0; i < s.code.shape.size(); ++i) s.data[i] = T(s.code.table[i]);
  }

  static constexpr void copy(std::span<const T> from, T* to) {
    const T* const values = from.data();
    for (std::size_t k = 0; k < from.size(); ++k) to[k] = values[k];
  }

  template <class Write>
  constexpr bool set(Op leaf, std::size_t index, std::size_t size, Write write) {
    bool found = false;
    for (const rule::Step<T>& s : steps_) {
      if (s.code.op != leaf || s.code.attr.index != index) continue;
      if (size_of(s.code) != size) return false;
      write(s.data);
      found = true;
    }
    return found;
  }

  Tape tape_;
  detail::Table<T> values_;
  std::vector<rule::Step<T>> steps_;
};

/// Runs the tape (a Tape or a FrozenTape) once. inputs[i] and parameters[i] as set_input and
/// set_parameter take them; an empty result if one is missing or does not fit. Those that the tape
/// does not read are skipped.
template <class T, class AnyTape>
constexpr std::vector<std::vector<T>> interpret(const AnyTape& tape,
                                                const std::vector<std::vector<T>>& inputs,
                                                const std::vector<std::vector<T>>& parameters) {
  Interpreter<T> machine(tape);
  for (const Instruction& code : machine.tape().code) {
    const std::size_t index = code.attr.index;
    if (code.op == Op::input) {
      if (index >= inputs.size() || !machine.set_input(index, inputs[index])) return {};
    } else if (code.op == Op::parameter) {
      if (index >= parameters.size() || !machine.set_parameter(index, parameters[index])) return {};
    }
  }
  machine.run();
  std::vector<std::vector<T>> outputs;
  for (std::size_t i = 0; i < machine.tape().outputs.size(); ++i) {
    const std::span<const T> y = machine.output(i);
    outputs.emplace_back(y.begin(), y.end());
  }
  return outputs;
}

}  // namespace etch
