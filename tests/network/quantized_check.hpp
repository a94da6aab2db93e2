// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "etch/network/model.hpp"
#include "etch/network/quantized.hpp"
#include "numbers.hpp"

// Networks of small numbers against those of the floats that they stand for.

namespace quantized {

using namespace etch;

template <class Net> std::unique_ptr<Parameters<Net>> drawn() {
  auto parameters = std::make_unique<Parameters<Net>>();
  initialize(*parameters, 3);
  return parameters;
}

/// The i-th number of a parameter in row-major order.
inline float number(const float* data, const PlacedParameter& p, std::size_t i) {
  const std::size_t place = p.info.place_of(i);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(data + p.offset);
  if (p.info.type == NumberType::f32) return data[p.offset + place];
  if (p.info.type == NumberType::i8) return static_cast<signed char>(bytes[place]);
  bf16 half;
  std::memcpy(&half.bits, bytes + 2 * place, 2);
  return half;
}

/// What the small numbers stand for, as the network's own floats.
template <class Net, class Small>
std::unique_ptr<Parameters<Net>> expanded(const Parameters<Small>& small) {
  auto result = std::make_unique<Parameters<Net>>();
  for (const PlacedParameter& to : parameter_table<Net>) {
    const std::size_t each = to.info.shape.size() / to.info.shape[0];
    for (const PlacedParameter& from : parameter_table<Small>) {
      if (!(from.info.name == to.info.name)) continue;
      for (std::size_t i = 0; i < to.info.shape.size(); ++i) {
        result->data[to.offset + to.info.place_of(i)] = number(small.data, from, i);
      }
    }
    for (const PlacedParameter& scale : parameter_table<Small>) {
      std::string name(scale.info.name.view());
      const std::size_t at = name.find("_scale");
      if (at == name.npos || name.erase(at, 6) != to.info.name.view()) continue;
      for (std::size_t i = 0; i < to.info.shape.size(); ++i) {
        result->data[to.offset + to.info.place_of(i)] *= small.data[scale.offset + i / each];
      }
    }
  }
  return result;
}

/// What small numbers stand for is the weights, but for half a step of 1/127 of the largest.
template <class Net>
void check_near(const Parameters<Net>& found, const Parameters<Net>& wanted) {
  for (const PlacedParameter& p : parameter_table<Net>) {
    float largest = 0, error = 0;
    for (std::size_t i = p.offset; i < p.offset + p.info.shape.size(); ++i) {
      largest = std::max(largest, std::abs(wanted.data[i]));
      error = std::max(error, std::abs(found.data[i] - wanted.data[i]));
    }
    CAPTURE(p.info.name.view());
    CHECK(error <= largest / 253);
  }
}

template <class Net, std::size_t batch>
std::vector<float> outputs_of(const Parameters<Net>& parameters, const std::vector<float>& x) {
  const auto workspace = std::make_unique<Workspace<Net, batch>>();
  constexpr std::size_t inputs = batch * InputShape<Net>::size;
  constexpr std::size_t outputs = batch * OutputShape<Net>::size;
  std::vector<float> y(outputs);
  infer<Net, batch>(parameters, *workspace, std::span<const float, inputs>(x),
                    std::span<float, outputs>(y));
  return y;
}

/// The small network computes what the other one does with the weights that it stands for.
template <class Net, class T, std::size_t batch = 1>
void check_inference(const std::vector<float>& x, float tolerance) {
  const auto parameters = drawn<Net>();
  using Small = Quantized<Net, T>;
  const auto small = std::make_unique<Parameters<Small>>(quantize<T>(*parameters));
  const auto weights = expanded<Net>(*small);
  check_near(*weights, *parameters);
  const auto found = outputs_of<Small, batch>(*small, x);
  const auto wanted = outputs_of<Net, batch>(*weights, x);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i, found[i], wanted[i]);
    CHECK(std::abs(found[i] - wanted[i]) <= tolerance * (1 + std::abs(wanted[i])));
  }
}

/// int8 rounds activations, too, to steps of 1/16000 of the largest.
template <class Net, std::size_t batch = 1> void check_both() {
  const auto x = numbers(batch * InputShape<Net>::size);
  check_inference<Net, bf16, batch>(x, 2e-6f);
  check_inference<Net, int8, batch>(x, 3e-4f);
}

/// Rounds inputs of products with int8 as badly as can be: they are all `x` but for one of `each`,
/// which is `largest` and meets weights of zero. Results of run(inputs) are wrong by no more than
/// all `terms` together may be.
template <class Run>
void check_rounding(std::size_t terms, std::size_t each, float largest, float x, const Run& run) {
  std::vector<float> inputs(terms, x);
  for (std::size_t i = 0; i < terms; i += each) inputs[i] = largest;
  const auto ones = static_cast<float>(terms - terms / each);
  for (const float y : run(inputs)) {
    CAPTURE(terms, x, y);
    CHECK(std::abs(y - ones * x) <= ones * largest / 32000);
  }
}

}  // namespace quantized
