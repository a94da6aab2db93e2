// SPDX-License-Identifier: BSL-1.0
// A policy network on a microcontroller, its weights in flash. Its outputs have to be near those of
// the interpreter, which ran in double in the compiler, the same at every run, and, by the hash
// that it prints, those of every machine without fused multiply-add. No heap: as there is no _sbrk,
// nothing that calls malloc would link.
#include "bits/policy.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "board.hpp"
#include "etch/network/flush_denormals.hpp"
#include "etch/network/interpreted.hpp"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this program is to be compiled with -fno-exceptions -fno-rtti"
#endif

namespace {

constexpr PolicyOutputs expected = [] {
  etch::Interpreter<double> interpreter(etch::network_tape<Policy>());
  etch::set_parameters(interpreter, policy_weights);
  PolicyOutputs y{};
  for (std::size_t i = 0; i < policy_samples; ++i) {
    const std::vector<double> x(policy_inputs[i].begin(), policy_inputs[i].end());
    interpreter.set_input(0, x);
    interpreter.run();
    for (std::size_t k = 0; k < 4; ++k) y[4 * i + k] = static_cast<float>(interpreter.output(0)[k]);
  }
  return y;
}();

bool near(const PolicyOutputs& y) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    const float difference = y[i] - expected[i];
    if (!(difference < 1e-6f && difference > -1e-6f)) return false;
  }
  return true;
}

/// Denormal numbers are zero while a FlushDenormals lives, and only then.
bool flushes() {
  volatile float small = 1e-30f;
  const auto product = [&] {
    volatile float y = small * 1e-10f;  // stored, and so computed here and not elsewhere
    return y;
  };
  {
    const etch::FlushDenormals guard;
    if (product() != 0) return false;
  }
  return product() > 0;
}

void write_hexadecimal(std::uint64_t number) {
  char text[17] = {};
  for (std::size_t i = 16; i-- > 0; number >>= 4) text[i] = "0123456789abcdef"[number & 15];
  board::write(text);
}

}  // namespace

int program() {
  static etch::Workspace<Policy> workspace;
  const PolicyOutputs y = run_policy(workspace);
  board::write("policy: ");
  write_hexadecimal(hash(y));
  board::write("\n");
  if (!near(y)) {
    board::write("not near the interpreter's outputs\n");
    return 1;
  }
  if (run_policy(workspace) != y) {
    board::write("another run gave other bits\n");
    return 1;
  }
  if (!flushes()) {
    board::write("denormal numbers are not flushed, or still are\n");
    return 1;
  }
  return 0;
}
