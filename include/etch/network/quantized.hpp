// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

#include "etch/layers/quantize.hpp"
#include "etch/network/parameters.hpp"

// From floats to small numbers, in the compiler or at run time.

namespace etch {

namespace detail {

// Parameters are passed whole and numbers are written upwards, word by word: g++ finds elements of
// arrays several times faster than targets of pointers, and keeps constant arrays as sorted lists.

/// A parameter of floats as a matrix of outputs and all that each of them has.
struct FloatMatrix {
  constexpr explicit FloatMatrix(const PlacedParameter& p)
      : offset(p.offset), outputs(p.info.shape[0]), each(p.info.shape.size() / outputs),
        output_step(p.info.transposed ? 1 : each), step(p.info.transposed ? outputs : 1) {}

  std::size_t offset, outputs, each;
  std::size_t output_step, step;
};

/// The largest weight of each output, by magnitude; NaN where weights are not all finite.
constexpr Table<float> largest_weights(const FloatMatrix& m, const auto& parameters) {
  constexpr float most = std::numeric_limits<float>::max();
  Table<float> result(m.outputs, 0);
  for (std::size_t o = 0; o < m.outputs; ++o) {
    float largest = 0;
    bool finite = true;
    const std::size_t start = m.offset + o * m.output_step, step = m.step;
    for (std::size_t i = start, end = start + m.each * step; i < end; i += step) {
      const float w = parameters.data[i], size = w < 0 ? -w : w;
      if (!(size <= most)) finite = false;
      if (size > largest) largest = size;
    }
    result[o] = finite ? largest : std::numeric_limits<float>::quiet_NaN();
  }
  return result;
}

/// Writes a parameter as small numbers, in the order in which they lie in memory: bf16, or the
/// nearest multiples of `largest` / 127 of their output, halves to the even one.
template <class T>
constexpr void write_small(const FloatMatrix& from, const auto& parameters, const float* largest,
                           const PlacedParameter& to, auto& small) {
  constexpr float magic = 12582912;  // 1.5 * 2^23: no room for a fraction
  constexpr std::uint32_t width = 8 * sizeof(T), mask = (1u << width) - 1;
  // Pairs of inputs are the innermost axis; without pairs it is all that an output has.
  const bool pairs = to.info.in_pairs();
  const std::size_t inputs = to.info.shape[1], taps = from.each / inputs;
  const std::size_t blocks = pairs ? (inputs + 1) / 2 * taps : 1;
  const std::size_t inner = pairs ? 2 : from.each, step = (pairs ? taps : 1) * from.step;
  const std::size_t outputs = from.outputs, output_step = from.output_step;
  std::size_t at = to.offset;
  std::uint32_t word = 0, shift = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t first = pairs ? block / taps * 2 * taps + block % taps : 0;
    const std::size_t count = pairs && first + taps >= from.each ? 1 : inner;  // or its other is 0
    std::size_t start = from.offset + first * from.step;
    for (std::size_t o = 0; o < outputs; ++o, start += output_step) {
      for (std::size_t k = 0, i = start; k < inner; ++k, i += step) {
        const float w = k < count ? parameters.data[i] : 0;
        std::uint32_t bits = 0;
        if constexpr (std::is_same_v<T, bf16>) bits = bf16(w).bits;
        else if (largest[o] > 0) bits = static_cast<std::uint32_t>(w / largest[o] * 127 + magic);
        word |= (bits & mask) << shift;
        shift += width;
        if (shift < 32) continue;
        small.data[at++] = std::bit_cast<float>(word);
        word = shift = 0;
      }
    }
  }
  if (shift != 0) small.data[at] = std::bit_cast<float>(word);
}

/// "weight_ih_scale_l0" of "weight_ih_l0".
constexpr bool is_scale_of(std::string_view scale, std::string_view name) {
  constexpr std::string_view word = "_scale";
  const std::size_t at = scale.rfind(word);
  return at != scale.npos && scale.size() == name.size() + word.size() &&
         scale.substr(0, at) == name.substr(0, at) &&
         scale.substr(at + word.size()) == name.substr(at);
}

/// The row of a network's table that has a name, or of the scales of what has it.
template <class Net, bool scales>
constexpr const PlacedParameter& row_of(std::string_view name) {
  return *std::ranges::find_if(parameter_table<Net>, [&](const PlacedParameter& row) {
    const std::string_view found = row.info.name.view();
    return scales ? is_scale_of(found, name) : found == name;
  });
}

}  // namespace detail

/// The weights as Quantized<Net, T> stores them: bf16 to the nearest; int8 symmetric, with one
/// scale for each output. Inputs that meet weights of int8 are rounded as well: see Quantized.
template <class T, class Net>
constexpr Parameters<Quantized<Net, T>> quantize(const Parameters<Net>& parameters) {
  using Small = Quantized<Net, T>;
  Parameters<Small> small;
  for (const PlacedParameter& row : parameter_table<Net>) {
    const std::string_view name = row.info.name.view();
    const PlacedParameter& to = detail::row_of<Small, false>(name);
    if (to.info.type == NumberType::f32) {  // it lies as it did
      for (std::size_t i = 0, n = row.info.shape.size(); i < n; ++i) {
        small.data[to.offset + i] = parameters.data[row.offset + i];
      }
      continue;
    }
    const detail::FloatMatrix matrix(row);
    if constexpr (std::is_same_v<T, bf16>) {
      detail::write_small<T>(matrix, parameters, nullptr, to, small);
    } else {
      auto largest = detail::largest_weights(matrix, parameters);
      detail::write_small<T>(matrix, parameters, largest.data(), to, small);
      const std::size_t scales = detail::row_of<Small, true>(name).offset;
      for (std::size_t o = 0; o < matrix.outputs; ++o) small.data[scales + o] = largest[o] / 127;
    }
  }
  return small;
}

}  // namespace etch
