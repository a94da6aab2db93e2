// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "etch/tape/heavy.hpp"
#include "etch/tape/tape.hpp"
#include "etch/tape/view.hpp"

// From an instruction to the description its kernel is keyed by. A tape may be a Tape or frozen.

namespace etch {

/// What the numbers of a value are in memory.
template <class AnyTape> constexpr NumberType number_type_of(const AnyTape& tape, int value) {
  const Instruction& i = tape[storage_of(tape, value)];
  return i.op == Op::parameter ? tape.parameters[i.attr.index].type : NumberType::f32;
}

namespace detail {

/// A product with its loops still apart: samples, leading axes, rows, columns, terms.
struct ProductLoops {
  std::size_t batch, lead, m, n, k;
  std::size_t a_batch, a_lead, a_row, a_k;
  std::size_t b_batch, b_lead, b_k, b_col;
};

template <class AnyTape>
constexpr ProductLoops product_loops(const AnyTape& tape, const Instruction& i) {
  const Instruction& a = tape[i.args[0]];
  const Instruction& b = tape[i.args[1]];
  ProductLoops p{};
  p.m = i.shape.back(1);
  p.n = i.shape.back(0);
  p.k = i.attr.transpose_a ? a.shape.back(1) : a.shape.back(0);
  p.lead = i.shape.size() / (p.m * p.n);
  p.batch = a.batched || b.batched ? tape.batch : 1;
  p.a_batch = a.batched ? a.shape.size() : 0;
  p.b_batch = b.batched ? b.shape.size() : 0;
  p.a_lead = a.shape.rank > 2 ? p.m * p.k : 0;
  p.b_lead = b.shape.rank > 2 ? p.k * p.n : 0;
  p.a_row = i.attr.transpose_a ? 1 : p.k;
  p.a_k = i.attr.transpose_a ? p.m : 1;
  p.b_k = i.attr.transpose_b ? 1 : p.n;
  p.b_col = i.attr.transpose_b ? p.k : 1;
  return p;
}

/// Summed over samples: they become the slow level of the contraction, or part of the fast one.
constexpr Gemm summed_product(const ProductLoops& p) {
  Gemm g{.outer = p.lead, .m = p.m, .n = p.n, .q = p.batch, .k = p.k,
         .a_outer = p.a_lead, .a_row = p.a_row, .a_q = p.a_batch, .a_k = p.a_k,
         .b_outer = p.b_lead, .b_q = p.b_batch, .b_k = p.b_k, .b_col = p.b_col};
  const bool seamless = g.a_q == g.k * g.a_k && g.b_q == g.k * g.b_k;
  if (g.k == 1) {
    g.a_k = g.a_q;
    g.b_k = g.b_q;
  }
  if (g.k == 1 || seamless || g.q == 1) {
    g.k *= g.q;
    g.q = 1;
    g.a_q = g.b_q = 0;
  }
  return g;
}

}  // namespace detail

/// Where samples and leading axes cannot be walked as one loop (each shared by another operand) the
/// product has no description: [T, E] of each sample times a parameter [H, E, D], say.
template <class AnyTape>
constexpr bool gemm_exists(const AnyTape& tape, const Instruction& i) {
  const detail::ProductLoops p = detail::product_loops(tape, i);
  if (i.attr.over_batch || p.batch == 1 || p.lead == 1) return true;
  return p.a_batch == p.lead * p.a_lead && p.b_batch == p.lead * p.b_lead;
}

namespace detail {
/// For each step and tap a row of x times a matrix.
template <class AnyTape>
constexpr Gemm gemm_of_conv1d(const AnyTape& tape, const Instruction& i) {
  const Instruction& x = tape[i.args[0]];
  const Instruction& weight = tape[i.args[1]];
  const std::size_t c = weight.shape[0], taps = weight.shape[1], o = weight.shape[2];
  Gemm g{.outer = i.batched ? tape.batch : 1, .m = i.shape[0], .n = o, .q = taps, .k = c,
         .a_outer = x.batched ? x.shape.size() : 0, .a_row = c, .a_q = i.attr.dilation[1] * c,
         .a_k = 1, .b_outer = weight.batched ? weight.shape.size() : 0, .b_q = o,
         .b_k = taps * o, .b_col = 1, .b_type = number_type_of(tape, i.args[1])};
  if (g.outer == 1) g.a_outer = g.b_outer = 0;
  return g;
}
}  // namespace detail

namespace detail {
constexpr bool axis_varies(const Instruction& i, std::size_t axis) {
  return (i.varies >> axis & 1) != 0;
}

template <class AnyTape>
constexpr Lengths lengths_along_depth(const AnyTape& tape, const Instruction& i) {
  const Instruction& a = tape[i.args[0]];
  const Instruction& b = tape[i.args[1]];
  const bool varies = axis_varies(a, a.shape.rank - (i.attr.transpose_a ? 2 : 1)) ||
                      axis_varies(b, b.shape.rank - (i.attr.transpose_b ? 1 : 2));
  return varies ? Lengths{1, tape.origin.longest} : Lengths{};
}

/// For kernels that go through all elements before `axis` in one loop: where the slowest of these
/// varies it is as long as a run says.
template <class AnyTape>
constexpr Lengths lengths_of_outer(const AnyTape& tape, const Instruction& i, std::size_t axis) {
  return axis > 0 && axis_varies(i, 0) && tape.batch == 1 ? Lengths{1, tape.origin.longest}
                                                           : Lengths{};
}
}  // namespace detail

/// For matmul and conv1d.
template <class AnyTape>
constexpr Gemm gemm_of(const AnyTape& tape, const Instruction& i) {
  if (i.op == Op::conv1d) return detail::gemm_of_conv1d(tape, i);
  const detail::ProductLoops p = detail::product_loops(tape, i);
  if (i.attr.over_batch) return detail::summed_product(p);
  Gemm g{.outer = p.batch * p.lead, .m = p.m, .n = p.n, .q = 1, .k = p.k,
         .a_outer = p.lead == 1 ? p.a_batch : p.a_lead, .a_row = p.a_row, .a_q = 0, .a_k = p.a_k,
         .b_outer = p.lead == 1 ? p.b_batch : p.b_lead, .b_q = 0, .b_k = p.b_k, .b_col = p.b_col};
  if (g.outer == 1) g.a_outer = g.b_outer = 0;
  if (tape.origin.longest != 0) g.depth = detail::lengths_along_depth(tape, i);
  g.parts = std::max<std::size_t>(1, i.attr.groups);
  g.a_type = number_type_of(tape, i.args[0]);
  g.b_type = number_type_of(tape, i.args[1]);
  return g;
}

/// For conv2d and both of its gradients.
template <class AnyTape>
constexpr Conv2dSpec conv2d_of(const AnyTape& tape, const Instruction& i) {
  const Instruction& first = tape[i.args[0]];
  const Instruction& second = tape[i.args[1]];
  const bool forward = i.op == Op::conv2d, input = i.op == Op::conv2d_input_gradient;
  const Instruction& x = forward ? first : input ? i : second;
  const Instruction& y = forward ? i : first;
  const Instruction& weight = forward || input ? second : i;
  Conv2dSpec s;
  s.batch = first.batched || second.batched ? tape.batch : 1;
  s.channels = x.shape[0];
  s.height = x.shape[1];
  s.width = x.shape[2];
  s.outputs = y.shape[0];
  s.out_height = y.shape[1];
  s.out_width = y.shape[2];
  s.groups = i.attr.groups;
  s.outputs_last = forward && i.attr.transpose_b;
  for (std::size_t k = 0; k < 2; ++k) {
    s.kernel[k] = weight.shape[k + (s.outputs_last ? 1 : 2)];
    s.stride[k] = i.attr.stride[k];
    s.padding[k] = i.attr.padding[k];
    s.dilation[k] = i.attr.dilation[k];
  }
  s.x_batch = x.batched && s.batch != 1 ? x.shape.size() : 0;
  s.y_batch = y.batched && s.batch != 1 ? y.shape.size() : 0;
  s.weight_batch = weight.batched && s.batch != 1 ? weight.shape.size() : 0;
  s.over_batch = i.attr.over_batch;
  if (forward || input) s.type = number_type_of(tape, i.args[1]);
  return s;
}

/// For all pooling ops. Small is the pooled tensor, large the one it looks at.
template <class AnyTape>
constexpr Pool2dSpec pool2d_of(const AnyTape& tape, const Instruction& i) {
  const bool backward = i.op == Op::max_pool2d_gradient || i.op == Op::avg_pool2d_gradient;
  const Instruction& first = tape[i.args[0]];
  const Instruction& large = backward ? i : first;
  const Instruction& small = i.op == Op::max_pool2d_gradient   ? tape[i.args[1]]
                             : i.op == Op::avg_pool2d_gradient ? first
                                                               : i;
  Pool2dSpec s;
  s.planes = (i.batched ? tape.batch : 1) * large.shape[0];
  s.height = large.shape[1];
  s.width = large.shape[2];
  s.out_height = small.shape[1];
  s.out_width = small.shape[2];
  for (std::size_t k = 0; k < 2; ++k) {
    s.kernel[k] = i.attr.kernel[k];
    s.stride[k] = i.attr.stride[k];
    s.padding[k] = i.attr.padding[k];
  }
  return s;
}

/// The batch counts as one more axis in front; neighbouring axes of one sort are merged.
template <class AnyTape>
constexpr ReduceSpec reduce_of(const AnyTape& tape, const Instruction& i) {
  const Instruction& x = tape[i.args[0]];
  ReduceSpec s;
  bool last_reduced = false;
  const auto add = [&](std::size_t extent, bool reduced, bool varies) {
    if (extent == 1) return;
    if (s.shape.rank > 0 && reduced == last_reduced && !varies) {
      s.shape.extent[s.shape.rank - 1] *= extent;
    } else {
      if (reduced) s.axes |= std::size_t{1} << s.shape.rank;
      if (varies) {
        s.lengths = {s.lengths.vary | std::size_t{1} << s.shape.rank, tape.origin.longest};
      }
      s.shape.push(extent);
    }
    last_reduced = reduced;
  };
  add(x.batched ? tape.batch : 1, i.attr.over_batch, false);
  for (std::size_t k = 0; k < x.shape.rank; ++k) {
    add(x.shape[k], (i.attr.axes >> k & 1) != 0, detail::axis_varies(x, k));
  }
  return s;
}

template <class AnyTape>
constexpr SoftmaxSpec softmax_of(const AnyTape& tape, const Instruction& i) {
  SoftmaxSpec s{.rows = i.batched ? tape.batch : 1};
  const auto vary = [&](std::size_t bit) {
    s.lengths = {s.lengths.vary | bit, tape.origin.longest};
  };
  for (std::size_t k = 0; k + 1 < i.shape.rank; ++k) {
    if (detail::axis_varies(i, k)) {
      vary(1);
      s.outer *= std::exchange(s.rows, 1);
    }
    s.rows *= i.shape[k];
  }
  if (i.shape.rank == 0) return s;
  if (detail::axis_varies(i, i.shape.rank - 1)) vary(2);
  s.columns = i.shape.back(0);
  return s;
}

namespace detail {
/// Elements before, and behind, an axis of one sample.
constexpr std::size_t outer_of(const Dims& shape, std::size_t axis) {
  std::size_t n = 1;
  for (std::size_t k = 0; k < axis; ++k) n *= shape[k];
  return n;
}
constexpr std::size_t inner_of(const Dims& shape, std::size_t axis) {
  std::size_t n = 1;
  for (std::size_t k = axis + 1; k < shape.rank; ++k) n *= shape[k];
  return n;
}
}  // namespace detail

template <class AnyTape>
constexpr ConcatSpec concat_of(const AnyTape& tape, const Instruction& i) {
  const Instruction& a = tape[i.args[0]];
  const Instruction& b = tape[i.args[1]];
  const std::size_t rows = detail::outer_of(i.shape, i.attr.axis);
  const std::size_t inner = detail::inner_of(i.shape, i.attr.axis);
  const std::size_t all = rows * (i.batched ? tape.batch : 1);
  return {.outer = all,
          .a_inner = a.shape[i.attr.axis] * inner,
          .b_inner = b.shape[i.attr.axis] * inner,
          .a_period = a.batched ? all : rows,
          .b_period = b.batched ? all : rows,
          .lengths = detail::lengths_of_outer(tape, i, i.attr.axis)};
}

template <class AnyTape>
constexpr PadSpec pad_of(const AnyTape& tape, const Instruction& i) {
  return {.outer = detail::outer_of(i.shape, i.attr.axis) * (i.batched ? tape.batch : 1),
          .extent = i.shape[i.attr.axis],
          .inner = detail::inner_of(i.shape, i.attr.axis),
          .count = tape[i.args[0]].shape[i.attr.axis],
          .start = i.attr.start,
          .step = i.attr.step,
          .lengths = detail::lengths_of_outer(tape, i, i.attr.axis)};
}

/// For embedding and its gradient.
template <class AnyTape>
constexpr EmbeddingSpec embedding_of(const AnyTape& tape, const Instruction& i) {
  const Instruction& first = tape[i.args[0]];
  const Instruction& index = tape[i.args[1]];
  const Instruction& table = i.op == Op::embedding ? first : i;
  const Instruction& y = i.op == Op::embedding ? i : first;
  const std::size_t batch = first.batched || index.batched ? tape.batch : 1;
  const auto stride = [&](const Instruction& of) {
    return of.batched && batch != 1 ? of.shape.size() : 0;
  };
  return {.batch = batch,
          .count = index.shape.size(),
          .rows = table.shape[0],
          .inner = table.shape[1],
          .table_batch = stride(table),
          .index_batch = stride(index),
          .y_batch = stride(y),
          .type = number_type_of(tape, i.args[0]),
          .lengths = detail::lengths_of_outer(tape, i, index.shape.rank)};
}

/// The part of a product that a view starts in.
constexpr std::size_t part_of(const Tape& tape, const View& view) {
  const Instruction& i = tape[view.base];
  if (i.op != Op::matmul || i.attr.groups == 0) return 0;
  return view.access.offset / (i.shape.size() / i.attr.groups);
}

/// The domain (outer, row, column) over which a heavy op hands its result to a chain; rank 0 for
/// ops that do not carry one.
constexpr Dims carried_domain(const Tape& tape, const Instruction& i) {
  switch (i.op) {
    case Op::matmul: case Op::conv1d: {
      return domain_of_product(gemm_of(tape, i));
    }
    case Op::conv2d: {
      const Conv2dSpec s = conv2d_of(tape, i);
      return {3, {s.batch, s.outputs, s.out_height * s.out_width}};
    }
    case Op::conv2d_input_gradient: {
      const Conv2dSpec s = conv2d_of(tape, i);
      return {3, {s.batch, s.channels, s.height * s.width}};
    }
    default: return {};
  }
}

/// The axes of that domain that go by the length of a run.
constexpr std::size_t carried_lengths(const Tape& tape, const Instruction& i) {
  if (i.op != Op::matmul) return 0;
  const std::size_t rank = i.shape.rank;
  std::size_t vary = 0;
  if (detail::lengths_of_outer(tape, i, rank - 2).vary != 0) vary |= 1;
  if (detail::axis_varies(i, rank - 2)) vary |= 2;
  if (detail::axis_varies(i, rank - 1)) vary |= 4;
  return vary;
}

}  // namespace etch
