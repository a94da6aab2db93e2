// SPDX-License-Identifier: BSL-1.0
// A loss over classes on a network that gives an image.
// expect: this loss needs another output shape of the network
// expect: AtLoss<CrossEntropy>, Expected<AnyShapeOfRank<1>>, Got<Shape<2, 3, 3>>
#include "etch/train.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<1, 5, 5>, etch::Conv2d<2, 3>>;
#else
using Net = etch::Network<etch::Input<1, 5, 5>, etch::Conv2d<2, 3>, etch::Flatten>;
#endif
using Trained = etch::Trainer<Net, etch::CrossEntropy, etch::SGD, etch::Batch<2>>;

#ifdef MISTAKE  // that the right network trains is shown elsewhere
double use(const etch::Dataset& data) {
  Trained trainer;
  if (!trainer.fit(data)) return 0;
  return trainer.evaluate(data).loss;
}
#else
double use(const Trained&);
#endif
