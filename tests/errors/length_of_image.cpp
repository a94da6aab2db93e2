// SPDX-License-Identifier: BSL-1.0
// A convolution sees zeros behind the end, so it has to know where that is.
// expect: something here wants the whole of an axis that varies
#include <vector>

#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/lengths.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<16, 4>, etch::Permute<1, 0>,
                          etch::Conv1d<4, 3, etch::PaddingSame>>;
#else
using Net = etch::Network<etch::Input<16, 4>, etch::Linear<4>>;
#endif

void run(const etch::Parameters<Net>& parameters, etch::UpToWorkspace<Net>& memory) {
  std::vector<float> x(3 * 4), y(3 * 4);
  etch::infer_up_to(parameters, memory, 3, x, y);
}
