// SPDX-License-Identifier: BSL-1.0
// Nodes and edges of different numbers of nodes.
// expect: axes that vary together are axes of the inputs, and of one extent
#include <vector>

#include "etch/layers/graph.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/lengths.hpp"

#ifdef MISTAKE
inline constexpr etch::Varying axes{{{3, 3, 0}, {}}};
#else
inline constexpr etch::Varying axes = etch::node_count;
#endif
using Net = etch::Network<etch::Inputs<etch::Shape<8, 4>, etch::Shape<8, 8>>, etch::GraphConv<4>>;

void run(const etch::Parameters<Net>& parameters, etch::UpToWorkspace<Net, axes>& memory) {
  std::vector<float> x(3 * 4 + 3 * 3), y(3 * 4);
  etch::infer_up_to(parameters, memory, 3, x, y);
}
