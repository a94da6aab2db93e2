// SPDX-License-Identifier: BSL-1.0
// Without exceptions and without RTTI: inference with weights that are constants of the program,
// files of weights, whatever is in them, and weights that are exchanged.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "etch/io/header.hpp"
#include "etch/io/npz.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/live_parameters.hpp"
#include "etch/network/model.hpp"
#if __has_include(<nlohmann/json.hpp>)
#include "etch/io/safetensors.hpp"
#endif

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

int mistakes_of_inference() {
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
  return mistakes;
}

/// These bytes are the weights, any part of them is an error, and what is damaged may be either.
template <class Parse> int mistakes_of_format(const std::string& bytes, const Parse& parse) {
  etch::Parameters<Net> read;
  int mistakes = parse(bytes, read) && read == weights ? 0 : 1;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    mistakes += parse(bytes.substr(0, i), read) ? 1 : 0;
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x9A);
    const etch::Result<void> result = parse(damaged, read);
    mistakes += !result && result.error().message.empty() ? 1 : 0;
  }
  return mistakes;
}

int mistakes_of_files() {
  const etch::KeyNames names = {{"0", "\xFF"}};  // not UTF-8
  etch::Parameters<Net> read;
  int mistakes = mistakes_of_format(etch::npz_bytes(weights), [](const auto& bytes, auto& to) {
    return etch::parse_npz(bytes, "w", to);
  });
  mistakes += etch::read_npz("no/such/file", read) ? 1 : 0;
  mistakes += etch::write_npz(weights, "no/such/file", names) ? 1 : 0;
#if __has_include(<nlohmann/json.hpp>)
  mistakes += mistakes_of_format(etch::safetensors_bytes(weights), [](const auto& bytes, auto& to) {
    return etch::parse_safetensors(bytes, "w", to);
  });
  mistakes += etch::read_safetensors("no/such/file", read) ? 1 : 0;
  mistakes += etch::write_safetensors(weights, "no/such/file", names) ? 1 : 0;
#endif
  mistakes += etch::write_header(weights, "no/such/file") ? 1 : 0;
  mistakes += etch::header_text(weights) ? 0 : 1;
  read.data[0] = std::numeric_limits<float>::infinity();
  return mistakes + (etch::header_text(read) ? 1 : 0);
}

int mistakes_of_readers() {
  etch::LiveParameters<Net, 1> live(weights);
  live.publish(weights);
  auto reader = live.reader();
  const bool same = reader && reader->read([](const auto& newest) { return newest == weights; });
  return (same ? 0 : 1) + (live.reader() ? 1 : 0);
}

}  // namespace

int main() {
  const int inference = mistakes_of_inference(), files = mistakes_of_files();
  const int readers = mistakes_of_readers();
  std::printf("%d mistakes of inference, %d of files, %d of readers\n", inference, files, readers);
  return inference + files + readers == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
