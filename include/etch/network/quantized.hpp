// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "etch/layers/quantize.hpp"
#include "etch/network/parameters.hpp"

// From floats to small numbers, in the compiler or at run time.

namespace etch {

namespace detail {

/// Numbers of one or two bytes in memory that is declared as floats: low bytes first.
class SmallWriter {
 public:
  constexpr explicit SmallWriter(float* data) : data_(data) {}

  constexpr void set(std::size_t place, std::size_t bytes, std::uint32_t bits) const {
    const std::size_t at = place * bytes, shift = at % 4 * 8;
    const std::uint32_t mask = (bytes == 1 ? 0xffu : 0xffffu) << shift;
    const auto before = std::bit_cast<std::uint32_t>(data_[at / 4]);
    data_[at / 4] = std::bit_cast<float>((before & ~mask) | (bits << shift & mask));
  }

 private:
  float* data_;
};

/// The lower bits of the nearest integer, halves to the even one; |x| is small. Any bits of NaN.
constexpr std::uint32_t nearest_bits(float x) {
  constexpr float magic = 12582912;  // 1.5 * 2^23: no room for a fraction
  return std::bit_cast<std::uint32_t>(x + magic);
}

/// Each output's largest weight becomes 127 or -127. The scale of weights that are not all finite
/// is NaN, and so is that output.
constexpr void write_int8(const ParameterInfo& info, const PlacedParameter& from,
                          const float* weights, float* data, float* scales) {
  const std::size_t outputs = info.shape[0], each = info.shape.size() / outputs;
  const SmallWriter writer(data);
  for (std::size_t o = 0; o < outputs; ++o) {
    const auto weight = [&](std::size_t i) {
      return weights[from.offset + from.info.place_of(o * each + i)];
    };
    float largest = 0;
    bool finite = true;
    for (std::size_t i = 0; i < each; ++i) {
      const float w = weight(i);
      finite = finite && w - w == 0;
      largest = std::max(largest, w < 0 ? -w : w);
    }
    scales[o] = finite ? largest / 127 : std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i < each; ++i) {
      const float q = largest == 0 || !finite ? 0 : weight(i) / largest * 127;
      writer.set(info.place_of(o * each + i), 1, nearest_bits(q));
    }
  }
}

constexpr void write_bf16(const ParameterInfo& info, const PlacedParameter& from,
                          const float* weights, float* data) {
  const SmallWriter writer(data);
  for (std::size_t i = 0; i < info.shape.size(); ++i) {
    writer.set(info.place_of(i), 2, bf16(weights[from.offset + from.info.place_of(i)]).bits);
  }
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
/// scale for each output.
template <class T, class Net>
constexpr Parameters<Quantized<Net, T>> quantize(const Parameters<Net>& parameters) {
  using Small = Quantized<Net, T>;
  Parameters<Small> small;
  for (const PlacedParameter& row : parameter_table<Net>) {
    const std::string_view name = row.info.name.view();
    const PlacedParameter& to = detail::row_of<Small, false>(name);
    float* const data = small.data + to.offset;
    if (to.info.type == NumberType::b16) {
      detail::write_bf16(to.info, row, parameters.data, data);
    } else if (to.info.type == NumberType::i8) {
      const PlacedParameter& scales = detail::row_of<Small, true>(name);
      detail::write_int8(to.info, row, parameters.data, data, small.data + scales.offset);
    } else {
      for (std::size_t i = 0; i < row.info.shape.size(); ++i) {
        data[to.info.place_of(i)] = parameters.data[row.offset + row.info.place_of(i)];
      }
    }
  }
  return small;
}

}  // namespace etch
