// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#if defined(__SSE__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace etch {

/// While one of these lives, its thread takes numbers below 1.2e-38 for zero: many processors need
/// a hundred cycles for each multiplication with one. Afterwards all is as it was found. Does
/// nothing on machines other than x86 with SSE and aarch64.
///
/// A thread that runs models holds one for as long as it can, an audio callback for its whole block.
/// A model does not do so itself: switching back and forth takes 10 to 40 ns (AMD EPYC), as long as
/// a small network. Trainers hold one for each step.
class FlushDenormals {
 public:
  FlushDenormals() noexcept : before_(read()) { write(before_ | flush); }
  ~FlushDenormals() { write(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE__) || defined(_M_X64)
  using Word = unsigned;
  static constexpr Word flush = 0x8040;  // MXCSR: results to zero, operands as zero
  static Word read() noexcept { return _mm_getcsr(); }
  static void write(Word word) noexcept { _mm_setcsr(word); }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static constexpr Word flush = Word{1} << 24;  // FPCR.FZ: both
  static Word read() noexcept {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(Word word) noexcept { asm volatile("msr fpcr, %0" : : "r"(word)); }
#else
  using Word = unsigned;
  static constexpr Word flush = 0;
  static Word read() noexcept { return 0; }
  static void write(Word) noexcept {}
#endif

  Word before_;
};

}  // namespace etch
