// SPDX-License-Identifier: BSL-1.0
// A batch of matrices times a stack of matrices that is a parameter.
// expect: samples cannot be multiplied by a stack of matrices that all of them share
#include "etch/etch.hpp"

#ifdef MISTAKE
constexpr std::size_t heads = 2;
#else
constexpr std::size_t heads = 1;
#endif

struct Heads {
  template <etch::Expr X> static constexpr auto formula(X x) {
    constexpr auto w = etch::parameter<"weight", etch::Shape<heads, 3, 5>, etch::Zeros>;
    return matmul(x, w);
  }
};

using Net = etch::Network<etch::Input<4, 3>, Heads>;
void infer(const etch::Parameters<Net>& parameters, etch::Workspace<Net, 2>& workspace,
           std::span<const float, 2 * 12> x, std::span<float, 2 * heads * 20> y) {
  etch::infer<Net, 2>(parameters, workspace, x, y);
}
