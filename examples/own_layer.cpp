// SPDX-License-Identifier: BSL-1.0
// A layer of one's own: a formula. Its gradient, its memory and its SIMD code follow from it.

#include <etch/etch.hpp>

#include <array>
#include <cstdio>

/// y = x * sigmoid(V x + c): a gate that opens and closes each feature (Dauphin et al. 2017).
struct Gate {
  template <etch::Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t n = etch::extent_of<-1>(X{});
    constexpr auto v = etch::parameter<"weight", etch::Shape<n, n>, etch::KaimingUniform>;
    constexpr auto c = etch::parameter<"bias", etch::Shape<n>, etch::Zeros>;
    return x * sigmoid(matmul(v, x) + c);
  }
};

int main() {
  using namespace etch::literals;
  constexpr auto pipeline = etch::Input<3>{} | etch::Linear<5>{} | Gate{} | etch::Linear<2>{};
  etch::Model<std::remove_const_t<decltype(pipeline)>> model(1);
  model["1.bias"_k](0) = 0.5f;

  const auto y = model(std::array<float, 3>{1, -2, 3});
  std::printf("%g %g\n", y[0], y[1]);
  std::fputs(etch::summary<std::remove_const_t<decltype(pipeline)>>().c_str(), stdout);
}
