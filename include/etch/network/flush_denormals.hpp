// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_NETWORK_FLUSH_DENORMALS_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_NETWORK_FLUSH_DENORMALS_HPP
#undef ETCH_NETWORK_FLUSH_DENORMALS_HPP
#else
#define ETCH_NETWORK_FLUSH_DENORMALS_HPP
#endif

#include <hwy/highway.h>

#include <cstdint>

#if defined(__SSE__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

// In HWY_NAMESPACE although no vector is near: compiled with AVX these are other instructions, and
// the linker must not give them to code that was compiled without.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {

/// While one of these lives, its thread takes numbers below 1.2e-38 for zero: many processors need
/// a hundred cycles for each multiplication with one. Afterwards all is as it was found. Does
/// nothing on machines other than x86 with SSE, aarch64, and 32-bit ARM with an FPU.
///
/// A thread that runs models holds one for as long as it can, an audio callback for its whole
/// block. A model does not do so itself: switching back and forth takes up to 40 ns (AMD EPYC),
/// more than a small layer. Trainers hold one for each step.
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
  static void write(Word word) noexcept { asm volatile("msr fpcr, %0" : : "r"(word) : "memory"); }
#elif defined(__arm__) && defined(__ARM_FP)
  using Word = unsigned;
  static constexpr Word flush = Word{1} << 24;  // FPSCR.FZ: both
  // Not by asm, as what comparisons leave is in the same register, and compilers want to know.
  static Word read() noexcept { return __builtin_arm_get_fpscr(); }
  static void write(Word word) noexcept { __builtin_arm_set_fpscr(word); }
#else
  using Word = unsigned;
  static constexpr Word flush = 0;
  static Word read() noexcept { return 0; }
  static void write(Word) noexcept {}
#endif

  Word before_;
};

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace etch {
using HWY_NAMESPACE::FlushDenormals;
}  // namespace etch

#endif
