// SPDX-License-Identifier: BSL-1.0
// Prints which of the targets that tests are built for this machine can run, one a line.
#include <cstdio>

int main() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("aes") &&
      __builtin_cpu_supports("pclmul")) {
    std::puts("sse4");
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) std::puts("avx2");
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    std::puts("avx3");
  }
#endif
}
