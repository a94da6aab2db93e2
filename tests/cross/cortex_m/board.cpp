// SPDX-License-Identifier: BSL-1.0
// What runs before the program: vectors, memory, FPU; and output by semihosting (ARM IHI 0098),
// where the debugger serves a breakpoint as a call.
#include "board.hpp"

#include <cstdint>

extern "C" {
// Addresses from board.ld.
extern std::uint32_t stack_end[], data_begin[], data_end[], data_in_flash[], bss_begin[], bss_end[];
void start();
}

namespace {

enum class Call : std::uint32_t { write_text = 0x04, exit = 0x20 };

void ask(Call call, const void* argument) {
  register auto r0 asm("r0") = static_cast<std::uint32_t>(call);
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void fault() {
  board::write("fault\n");
  board::stop(2);
}

using Handler = void (*)();

struct Vectors {
  const std::uint32_t* stack;
  Handler reset, fault[5];
};

[[gnu::used, gnu::section(".vectors")]] const Vectors vectors = {
    stack_end, start, {fault, fault, fault, fault, fault}};

}  // namespace

void board::write(const char* text) { ask(Call::write_text, text); }

void board::stop(int code) {
  const std::uint32_t block[] = {0x20026, static_cast<std::uint32_t>(code)};  // application exit
  for (;;) ask(Call::exit, block);
}

void start() {
  auto* const access = reinterpret_cast<volatile std::uint32_t*>(0xE000ED88);  // CPACR
  *access = *access | 0xF00000;                                               // the FPU, for all
  asm volatile("dsb\n isb" ::: "memory");
  const std::uint32_t* from = data_in_flash;
  for (std::uint32_t* to = data_begin; to != data_end; ++to) *to = *from++;
  for (std::uint32_t* to = bss_begin; to != bss_end; ++to) *to = 0;
  board::stop(program());
}
