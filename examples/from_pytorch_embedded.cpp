// SPDX-License-Identifier: BSL-1.0
// A model from PyTorch inside of a program that needs neither PyTorch nor files nor heap:
//   from_pytorch_embedded digits.csv
// The last of three steps; from_pytorch.py is the first. (The file is only what there is to
// classify.)

#include <etch/data/csv.hpp>
#include <etch/io/embedded.hpp>
#include <etch/network/model.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "from_pytorch.hpp"
#include "from_pytorch_weights.hpp"

namespace {

constexpr auto weights = etch::embedded_parameters<EmbeddedClassifier>(from_pytorch::weights);

std::size_t classify(etch::Model<EmbeddedClassifier>& model, std::span<const float> pixels) {
  std::array<float, 64> x;
  std::ranges::transform(pixels, x.begin(), [](float ink) { return ink / 16; });
  const auto y = model(x);
  return static_cast<std::size_t>(std::ranges::max_element(y) - y.begin());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s digits.csv\n", argv[0]);
    return EXIT_FAILURE;
  }
  const auto digits = etch::read_csv(argv[1], {.features = 64, .classes = 10});
  if (!digits) {
    std::fprintf(stderr, "%s\n", digits.error().message.c_str());
    return EXIT_FAILURE;
  }
  etch::Model<EmbeddedClassifier> model(weights);
  constexpr std::size_t test = 500;  // the last images, which training has not seen
  std::size_t right = 0;
  for (std::size_t i = digits->size() - test; i < digits->size(); ++i) {
    right += classify(model, digits->input(i)) == digits->label(i) ? 1 : 0;
  }
  std::printf("etch: %zu of %zu test images are classified right\n", right, test);
  constexpr std::size_t in_pytorch = 459;  // as from_pytorch.py said
  return right == in_pytorch ? EXIT_SUCCESS : EXIT_FAILURE;
}
