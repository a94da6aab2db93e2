// SPDX-License-Identifier: BSL-1.0
// One program for every x86: compiled without any -m flag, it takes the widest vectors there are.
#include <etch/dispatch.hpp>  // before all others of etch

#include <etch/etch.hpp>

#include <array>
#include <cstdio>

using Net = etch::Network<etch::Input<16>, etch::Linear<64>, etch::Tanh, etch::Linear<4>>;
using Policy = etch::DispatchedModel<Net>;  // these two lines in a header of yours,
ETCH_DISPATCH(Policy)                       // this one in one file, linked with etch::dispatch

int main() {
  static Policy policy;
  etch::initialize(policy.parameters(), 1);
  const std::array<float, 16> observation = {1, -1};
  const std::array<float, 4> action = policy(observation);
  std::printf("%s: %g %g %g %g\n", policy.target(), action[0], action[1], action[2], action[3]);
}
