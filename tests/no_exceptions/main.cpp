// SPDX-License-Identifier: BSL-1.0
// Inference without exceptions and without RTTI, with weights that are constants of the program.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/model.hpp"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this program is to be compiled with -fno-exceptions -fno-rtti"
#endif

namespace {

using etch::literals::operator""_k;
using Net = etch::Network<etch::Input<1, 6, 6>, etch::Conv2d<2, 3, etch::Padding<1>>, etch::ReLU,
                          etch::MaxPool2d<2>, etch::Flatten, etch::Linear<3>>;
using Image = std::array<float, 36>;

constexpr etch::Parameters<Net> weights = [] {
  etch::Parameters<Net> parameters;
  etch::initialize(parameters, 1);
  return parameters;
}();

/// ReLU of the convolution at one pixel, as the formula is written.
double pixel(const Image& x, int channel, int row, int column) {
  double sum = static_cast<double>(weights["0.bias"_k](channel));
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      const int r = row + i - 1, c = column + j - 1;
      if (r < 0 || r > 5 || c < 0 || c > 5) continue;
      const float weight = weights["0.weight"_k](channel, 0, i, j);
      const float input = x[static_cast<std::size_t>(6 * r + c)];
      sum += static_cast<double>(weight) * static_cast<double>(input);
    }
  }
  return sum > 0 ? sum : 0;
}

double largest(const Image& x, int channel, int row, int column) {
  double best = 0;
  for (int i = 0; i < 4; ++i) {
    const double y = pixel(x, channel, 2 * row + i / 2, 2 * column + i % 2);
    best = y > best ? y : best;
  }
  return best;
}

double logit(const Image& x, int output) {
  double sum = static_cast<double>(weights["4.bias"_k](output));
  for (int i = 0; i < 18; ++i) {
    const double weight = static_cast<double>(weights["4.weight"_k](output, i));
    sum += weight * largest(x, i / 9, i % 9 / 3, i % 3);
  }
  return sum;
}

}  // namespace

int main() {
  static etch::Model<Net> model(weights);
  Image x{};
  int mistakes = 0;
  for (std::uint32_t image = 0; image < 10; ++image) {
    for (std::uint32_t i = 0; i < 36; ++i) {
      x[i] = static_cast<float>((i * 37 + image * 101) % 64) / 32.f - 1.f;
    }
    const auto y = model(x);
    for (int k = 0; k < 3; ++k) {
      const double difference = static_cast<double>(y[static_cast<std::size_t>(k)]) - logit(x, k);
      if (!(difference < 1e-5 && difference > -1e-5)) ++mistakes;
    }
  }
  std::printf("%d of 30 numbers are wrong\n", mistakes);
  return mistakes == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
