// SPDX-License-Identifier: BSL-1.0
// A network in training whose weights are integers.
// expect: quantised weights are not trained: train the network, then quantize them
#include "etch/network/quantized.hpp"
#include "etch/train.hpp"

using Net = etch::Network<etch::Input<4>, etch::Linear<3>>;
#ifdef MISTAKE
using Trained = etch::Quantized<Net, etch::int8>;
#else
using Trained = Net;
#endif

etch::Trainer<Trained, etch::MSE, etch::SGD, etch::Batch<2>>* use();

#ifdef MISTAKE  // that the right network trains is shown elsewhere
void train() { etch::Trainer<Trained, etch::MSE, etch::SGD, etch::Batch<2>> trainer; }
#endif
