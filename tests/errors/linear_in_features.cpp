// SPDX-License-Identifier: BSL-1.0
// A layer that is meant for another input; model and trainer of such a network stay silent.
// expect: this layer needs another input shape
// expect: AtLayer<3, Linear<10, InFeatures<64>>>, Expected<Shape<64>>, Got<Shape<32>>
#include <array>

#include "etch/train.hpp"

#ifdef MISTAKE
constexpr std::size_t features = 64;
#else
constexpr std::size_t features = 32;
#endif

using Net = etch::Network<etch::Input<8>, etch::Linear<16>, etch::ReLU, etch::Linear<32>,
                          etch::Linear<10, etch::InFeatures<features>>>;

#ifdef MISTAKE  // that the right network trains is shown elsewhere
float use() {
  etch::Trainer<Net, etch::CrossEntropy, etch::Adam, etch::Batch<2>> trainer({.epochs = 1});
  if (!trainer.fit(etch::Dataset())) return 0;
  etch::Model<Net> model(trainer.parameters());
  const std::array<float, 10> y = model(std::array<float, 8>{});
  return y[0] + static_cast<float>(trainer.evaluate(etch::Dataset()).loss);
}
#else
static_assert(Net::valid);
#endif
