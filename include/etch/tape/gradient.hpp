// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <numbers>
#include <vector>

#include "etch/tape/value.hpp"

// Reverse-mode differentiation of a tape: a tape again, hence differentiable once more.

namespace etch {

namespace detail {

/// What flows back into argument `to` of an instruction: collected in `adjoint`. Values from
/// `fresh` on were written for this instruction alone; earlier ones may be adjoints of other values
/// too.
class Adjoint {
 public:
  constexpr Adjoint(Table<int>& adjoint, Value to, bool per_sample, std::size_t fresh)
      : adjoint_(adjoint), to_(to), per_sample_(per_sample), fresh_(fresh) {}

  constexpr void operator+=(Value g) {
    if (!to_) return;
    if (g.shape().rank > to_.shape().rank) {  // a matrix shared along leading axes
      const std::size_t extra = g.shape().rank - to_.shape().rank;
      g = sum(g, (std::size_t{1} << extra) - 1);
    }
    if (per_sample_ && !to_.at().batched) {
      const bool own = static_cast<std::size_t>(g.id) >= fresh_;
      g = g.at().batched ? sum_over_batch(g, own) : static_cast<double>(g.tape->batch) * g;
    }
    int& total = adjoint_[static_cast<std::size_t>(to_.id)];
    total = total < 0 ? g.id : (Value{g.tape, total} + g).id;
  }

 private:
  Table<int>& adjoint_;
  Value to_;
  bool per_sample_;
  std::size_t fresh_;
};

/// Axes of `to` that stand where `from` has extent one or no axis.
constexpr std::size_t stretched_axes(const Dims& from, const Dims& to) {
  std::size_t axes = 0;
  for (std::size_t i = 0; i < to.rank; ++i) {
    const std::size_t from_back = to.rank - 1 - i;
    const bool absent = from_back >= from.rank;
    if (absent || (from.back(from_back) == 1 && to[i] != 1)) axes |= std::size_t{1} << i;
  }
  return axes;
}

constexpr Attributes inverse_order(const Attributes& attr, std::size_t rank) {
  Attributes inverse;
  for (std::size_t i = 0; i < rank; ++i) inverse.order[attr.order[i]] = i;
  return inverse;
}

/// Brings a reduced value back to the shape it had before: axes of extent one, then stretched.
constexpr Value unreduce(Value g, const Dims& shape, std::size_t axes) {
  Dims kept = shape;
  for (std::size_t i = 0; i < shape.rank; ++i) {
    if ((axes >> i & 1) != 0) kept.extent[i] = 1;
  }
  return broadcast(reshape(g, kept), shape);
}

constexpr Value like(Value a, Op op, Value first, Value second, const Attributes& attr) {
  return emit(*a.tape, op, a.shape(), {first.id, second.id, -1}, attr);
}

/// The table of derivatives. `a`, `b`, `c` are the arguments and collect what flows back into them
/// as da, db, dc; y is the value, g what flows in from above.
constexpr void derive(const Instruction& i, Value y, Value g, Value a, Value b, Value c, Adjoint da,
                      Adjoint db, Adjoint dc) {
  Tape& tape = *y.tape;
  Attributes attr = i.attr;
  attr.over_batch = false;
  switch (i.op) {
    case Op::input: case Op::parameter: case Op::constant: case Op::iota: case Op::table: break;

    case Op::neg: da += -g; break;
    case Op::abs: da += g * ((0 < a) - (a < 0)); break;
    case Op::exp: da += g * y; break;
    case Op::expm1: da += g * (y + 1); break;
    case Op::log: da += g / a; break;
    case Op::log1p: da += g / (a + 1); break;
    case Op::sqrt: da += 0.5 * g / y; break;
    case Op::rsqrt: da += -0.5 * g * (y * y * y); break;
    case Op::sin: da += g * cos(a); break;
    case Op::cos: da += -(g * sin(a)); break;
    case Op::tanh: da += g * (1 - y * y); break;
    case Op::sigmoid: da += g * (y * (1 - y)); break;
    case Op::erf: da += g * (2 * std::numbers::inv_sqrtpi * exp(-(a * a))); break;
    case Op::relu: da += g * (0 < y); break;

    case Op::add: da += g; db += g; break;
    case Op::sub: da += g; db += -g; break;
    case Op::mul: da += g * b; db += g * a; break;
    case Op::div: da += g / b; db += -(g * y / b); break;
    case Op::max:
      da += g * ((b < a) + 0.5 * equal(a, b));
      db += g * ((a < b) + 0.5 * equal(a, b));
      break;
    case Op::min:
      da += g * ((a < b) + 0.5 * equal(a, b));
      db += g * ((b < a) + 0.5 * equal(a, b));
      break;
    case Op::pow:
      if (b.at().op == Op::constant) da += g * (b * pow(a, b - 1));
      else da += g * where(equal(b, number(b, 0)), number(b, 0), b * pow(a, b - 1));  // 0^0
      if (b.at().op != Op::constant) db += g * where(0 < a, y * log(a), number(y, 0));
      break;
    case Op::less: case Op::less_equal: case Op::equal: break;  // flat almost everywhere
    case Op::random: break;
    case Op::where: db += where(a, g, number(g, 0)); dc += where(a, number(g, 0), g); break;

    case Op::reshape: da += reshape(g, a.shape()); break;
    case Op::detach: break;
    case Op::permute: da += permute(g, inverse_order(attr, i.shape.rank)); break;
    case Op::slice: da += pad(g, attr, a.shape()); break;
    case Op::broadcast: da += reshape(sum(g, stretched_axes(a.shape(), i.shape)), a.shape()); break;

    case Op::concat: {
      const std::size_t n = a.shape()[attr.axis], m = b.shape()[attr.axis];
      da += slice(g, {.axis = attr.axis, .start = 0, .step = 1}, n);
      db += slice(g, {.axis = attr.axis, .start = n, .step = 1}, m);
      break;
    }
    case Op::pad: da += slice(g, attr, a.shape()[attr.axis]); break;
    case Op::embedding: da += like(a, Op::embedding_gradient, g, b, attr); break;
    case Op::embedding_gradient: da += like(a, Op::embedding, g, b, attr); break;
    case Op::sum: da += unreduce(g, a.shape(), attr.axes); break;
    case Op::max_reduce: {
      const Value hit = equal(a, unreduce(y, a.shape(), attr.axes));
      da += hit * unreduce(g / sum(hit, attr.axes), a.shape(), attr.axes);
      break;
    }
    case Op::softmax: {
      const std::size_t last = std::size_t{1} << (i.shape.rank - 1);
      const Value t = g * y;
      da += t - y * unreduce(sum(t, last), i.shape, last);
      break;
    }
    case Op::log_softmax: {
      const std::size_t last = std::size_t{1} << (i.shape.rank - 1);
      da += g - exp(y) * unreduce(sum(g, last), i.shape, last);
      break;
    }
    case Op::matmul: {
      const bool s = attr.transpose_a, t = attr.transpose_b;
      da += s ? matmul(b, g, t, true) : matmul(g, b, false, !t);
      db += t ? matmul(g, a, true, s) : matmul(a, g, !s, false);
      break;
    }

    case Op::conv1d: {
      const std::size_t taps = b.shape()[1], d = attr.dilation[1], n = i.shape[0];
      const Dims matrix{2, {b.shape()[0], b.shape()[2]}};
      const Dims one{3, {matrix[0], 1, matrix[1]}};
      for (std::size_t k = 0; k < taps; ++k) {
        const Attributes rows{.axis = 0, .start = k * d, .step = 1};
        const Attributes tap{.axis = 1, .start = k, .step = 1};
        da += pad(matmul(g, reshape(slice(b, tap, 1), matrix), false, true), rows, a.shape());
        db += pad(reshape(matmul(slice(a, rows, n), g, true, false), one), tap, b.shape());
      }
      break;
    }
    case Op::append: {
      const std::size_t kept = i.shape[0] - b.shape()[0];
      const Attributes front{.axis = 0, .start = 0, .step = 1};
      da += pad(slice(g, front, kept), front, i.shape);
      db += slice(g, {.axis = 0, .start = kept, .step = 1}, b.shape()[0]);
      break;
    }
    case Op::conv2d:
      da += like(a, Op::conv2d_input_gradient, g, b, attr);
      db += like(b, Op::conv2d_weight_gradient, g, a, attr);
      break;
    case Op::conv2d_input_gradient:
      da += like(a, Op::conv2d, g, b, attr);
      db += like(b, Op::conv2d_weight_gradient, a, g, attr);
      break;
    case Op::conv2d_weight_gradient:
      da += like(a, Op::conv2d, b, g, attr);
      db += like(b, Op::conv2d_input_gradient, a, g, attr);
      break;

    case Op::max_pool2d: da += like(a, Op::max_pool2d_gradient, a, g, attr); break;
    case Op::max_pool2d_gradient: db += like(b, Op::max_pool2d_pick, a, g, attr); break;
    case Op::max_pool2d_pick: db += like(b, Op::max_pool2d_gradient, a, g, attr); break;
    case Op::avg_pool2d:
      da += emit(tape, Op::avg_pool2d_gradient, a.shape(), {g.id, -1, -1}, attr);
      break;
    case Op::avg_pool2d_gradient:
      da += emit(tape, Op::avg_pool2d, a.shape(), {g.id, -1, -1}, attr);
      break;
  }
  static_cast<void>(c);
}

}  // namespace detail

/// Appends to `tape` what computes the derivative of sum over outputs of <seed, output> with
/// respect to the values `wanted`, and returns where each of them stands (a zero where nothing
/// flows). outputs and seeds pair up; a seed has the shape of its output.
constexpr std::vector<int> differentiate(Tape& tape, const std::vector<int>& outputs,
                                         const std::vector<int>& seeds,
                                         const std::vector<int>& wanted) {
  const std::size_t n = tape.size();
  detail::Table<char> needed(n, 0);  // values that depend on something wanted
  for (const int w : wanted) needed[static_cast<std::size_t>(w)] = 1;
  for (std::size_t i = 0; i < n; ++i) {
    for (const int arg : tape.code[i].args) {
      if (arg >= 0 && needed[static_cast<std::size_t>(arg)] != 0) needed[i] = 1;
    }
  }
  detail::Table<int> adjoint(n, -1);
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    detail::Adjoint(adjoint, {&tape, outputs[k]}, false, n) += Value{&tape, seeds[k]};
  }
  for (std::size_t i = n; i-- > 0;) {
    if (adjoint[i] < 0 || needed[i] == 0) continue;
    const Instruction instruction = tape.code[i];
    const bool per_sample = instruction.batched || detail::any_batched(tape, instruction.args);
    Value x[3];
    Value to[3];
    for (std::size_t k = 0; k < 3; ++k) {
      x[k] = {&tape, instruction.args[k]};
      const bool wants = x[k] && needed[static_cast<std::size_t>(x[k].id)] != 0;
      to[k] = wants ? x[k] : Value{};
    }
    const std::size_t fresh = tape.size();
    detail::derive(instruction, {&tape, static_cast<int>(i)}, {&tape, adjoint[i]}, x[0], x[1], x[2],
                   {adjoint, to[0], per_sample, fresh}, {adjoint, to[1], per_sample, fresh},
                   {adjoint, to[2], per_sample, fresh});
  }
  std::vector<int> result;
  for (const int w : wanted) {
    const int g = adjoint[static_cast<std::size_t>(w)];
    result.push_back(g >= 0 ? g : detail::number({&tape, w}, 0).id);
  }
  return result;
}

/// The places of all instructions of one kind, in the order of their `attr.index`.
constexpr std::vector<int> leaves(const Tape& tape, Op op) {
  std::vector<int> found;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    if (tape.code[i].op != op) continue;
    const std::size_t row = tape.code[i].attr.index;
    while (found.size() <= row) found.push_back(-1);
    found[row] = static_cast<int>(i);
  }
  return found;
}

/// From a tape whose first output is a scalar (an unbatched one, or one a sample, then the samples
/// are added) to a tape that computes its gradient for every value in `wanted`.
constexpr Tape gradient(Tape tape, const std::vector<int>& wanted) {
  const Value y{&tape, tape.outputs[0]};
  const int seed = detail::number(y, 1).id;
  tape.outputs = differentiate(tape, {tape.outputs[0]}, {seed}, wanted);
  return tape;
}

}  // namespace etch
