// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <sstream>
#include <string>

#include "etch/tape/tape.hpp"

// A tape as text, for eyes and for tests:
//   %0 = input 0                  : batch [4]
//   %1 = parameter "weight"       : [3, 4]
//   %2 = matmul %1 %0             : batch [3, 1]

namespace etch {

inline std::string to_string(const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.rank; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  }
  return text + "]";
}

namespace detail {

inline std::string pair(const char* name, const Array2<std::size_t>& v) {
  return std::string(" ") + name + "=" + std::to_string(v[0]) + "x" + std::to_string(v[1]);
}

/// The attributes that this op reads.
inline std::string attributes_text(const Tape& tape, const Instruction& i) {
  const Attributes& a = i.attr;
  std::ostringstream out;
  switch (i.op) {
    case Op::input: out << ' ' << a.index; break;
    case Op::parameter: out << " \"" << tape.parameters[a.index].name.view() << '"'; break;
    case Op::constant: out << ' ' << i.value; break;
    case Op::iota: case Op::concat: out << " axis=" << a.axis; break;
    case Op::slice: case Op::pad:
      out << " axis=" << a.axis << " start=" << a.start << " step=" << a.step;
      break;
    case Op::sum: case Op::max_reduce:
      for (std::size_t axis = 0; axis < max_rank; ++axis) {
        if ((a.axes >> axis & 1) != 0) out << " axis=" << axis;
      }
      break;
    case Op::permute:
      for (std::size_t axis = 0; axis < i.shape.rank; ++axis) {
        out << (axis == 0 ? " order=" : ",") << a.order[axis];
      }
      break;
    case Op::matmul:
      out << (a.transpose_a ? " transpose_a" : "") << (a.transpose_b ? " transpose_b" : "");
      break;
    case Op::conv1d: out << " dilation=" << a.dilation[1]; break;
    case Op::conv2d: case Op::conv2d_input_gradient: case Op::conv2d_weight_gradient:
      out << pair("stride", a.stride) << pair("padding", a.padding)
          << pair("dilation", a.dilation) << " groups=" << a.groups;
      break;
    case Op::max_pool2d: case Op::max_pool2d_gradient: case Op::max_pool2d_pick:
    case Op::avg_pool2d: case Op::avg_pool2d_gradient:
      out << pair("kernel", a.kernel) << pair("stride", a.stride) << pair("padding", a.padding);
      break;
    default: break;
  }
  if (a.over_batch) out << " over_batch";
  return out.str();
}

}  // namespace detail

inline std::string to_string(const Tape& tape) {
  std::ostringstream out;
  for (std::size_t n = 0; n < tape.size(); ++n) {
    const Instruction& i = tape.code[n];
    std::ostringstream left;
    left << '%' << n << " = " << info(i.op).name;
    for (const int arg : i.args) {
      if (arg >= 0) left << " %" << arg;
    }
    left << detail::attributes_text(tape, i);
    std::string text = left.str();
    text.resize(text.size() < 40 ? 40 : text.size(), ' ');
    out << text << " : " << (i.batched ? "batch " : "") << to_string(i.shape) << '\n';
  }
  out << "return";
  for (const int output : tape.outputs) out << " %" << output;
  out << '\n';
  return out.str();
}

}  // namespace etch
