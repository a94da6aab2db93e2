// SPDX-License-Identifier: BSL-1.0
// What models, streams and steps of training do to the thread that runs them. The argument says
// which test: system_calls, stack or instructions.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

#include "hot_path.hpp"

namespace {

constexpr int skipped = 77;

using Function = void (*)() noexcept;

/// Numbers that are neither large nor negative, as variances among the parameters may not be.
void fill(std::span<float> to) {
  std::uint32_t state = 1;
  for (float& v : to) {
    state = state * 1664525u + 1013904223u;
    v = 0.01f + static_cast<float>(state >> 8) * 0x1p-24f * 0.2f;
  }
}

/// Each has run twice, so that pages are there and the loader has found memmove.
HotPaths warm_paths(LiveMlp::Reader& reader) {
  HotPaths paths = hot_paths(reader);
  for (const HotPath& path : paths) {
    fill(path.parameters);
    fill(path.x);
    std::ranges::fill(path.target, 1.f);
    for (int i = 0; i < 2; ++i) path.run();
  }
  return paths;
}

// --- system calls ---

/// From here on the first call of the system ends the process, exit_group alone being free.
bool forbid_system_calls() {
  const sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog program{std::size(filter), const_cast<sock_filter*>(filter)};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum class Outcome { good, killed, unable, other };

/// Runs it in a process of its own.
Outcome without_system_calls(Function run) {
  const pid_t child = fork();
  if (child < 0) return Outcome::unable;
  if (child == 0) {
    if (!forbid_system_calls()) _exit(skipped);
    for (int i = 0; i < 3; ++i) run();
    _exit(EXIT_SUCCESS);  // exit_group
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return Outcome::unable;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return Outcome::killed;
  if (!WIFEXITED(status)) return Outcome::other;
  if (WEXITSTATUS(status) == skipped) return Outcome::unable;
  return WEXITSTATUS(status) == EXIT_SUCCESS ? Outcome::good : Outcome::other;
}

int test_system_calls(const HotPaths& paths) {
  const Outcome asks = without_system_calls([]() noexcept { syscall(SYS_getpid); });
  if (asks == Outcome::unable) {
    std::puts("skipped: this process may not filter its system calls");
    return skipped;
  }
  const Outcome allocates = without_system_calls([]() noexcept {
    void* volatile memory = std::malloc(std::size_t{1} << 28);
    std::free(memory);
  });
  int mistakes = 0;
  if (asks != Outcome::killed || allocates != Outcome::killed) {
    std::puts("system calls are not seen");
    ++mistakes;
  }
  for (const HotPath& path : paths) {
    if (without_system_calls(path.run) == Outcome::good) continue;
    std::printf("%s: calls the system\n", path.name);
    ++mistakes;
  }
  return mistakes;
}

// --- stack ---

alignas(64) unsigned char stack[std::size_t{1} << 18];
constexpr unsigned char paint = 0xA5;
ucontext_t here, there;
Function on_stack;
const unsigned char* entered;

void enter() {
  entered = static_cast<const unsigned char*>(__builtin_frame_address(0));
  on_stack();
  asm volatile("");  // no tail call: this frame is to stay
}

/// Bytes that a function changes below the frame of its caller.
std::size_t stack_use(Function run) {
  std::memset(stack, paint, sizeof stack);
  on_stack = run;
  getcontext(&there);
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = sizeof stack;
  there.uc_link = &here;
  makecontext(&there, enter, 0);
  swapcontext(&here, &there);
  const unsigned char* lowest = stack;
  while (*lowest == paint) ++lowest;
  return static_cast<std::size_t>(entered - lowest);
}

void touch_some_stack() noexcept {
  volatile unsigned char bytes[5000];
  for (volatile unsigned char& byte : bytes) byte = 0;
}

/// Budgets leave room for compilers that spill. These do not: what an inference takes is its frame
/// and what it saves of the caller's, tiles of sums being in registers, whatever the sizes of its
/// layers. More says that some tile no longer is.
constexpr std::size_t most_stack_of_inference = 1024;

int test_stack(const HotPaths& paths) {
  const std::size_t known = stack_use(touch_some_stack);
  int mistakes = 0;
  if (known < 5000 || known > 5600) {
    std::printf("5000 bytes of stack are seen as %zu\n", known);
    ++mistakes;
  }
  for (const HotPath& path : paths) {
    const std::size_t used = stack_use(path.run);
    std::printf("%s: %zu bytes of stack, budget %zu\n", path.name, used, path.stack_bytes);
    const bool trains = !path.target.empty();
    if (used > path.stack_bytes || (!trains && used > most_stack_of_inference)) ++mistakes;
  }
  return mistakes;
}

// --- instructions ---

/// Instructions of a run in a process of its own, with what it takes to start and to end, or `most`
/// if there are more; 0 where processes may not be traced. A stop after each takes 25 us.
long instructions(Function run, long most) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(EXIT_FAILURE);
    raise(SIGSTOP);
    run();
    _exit(EXIT_SUCCESS);
  }
  int status = 0;
  long count = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 0;
  while (WIFSTOPPED(status)) {
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) return 0;
    if (waitpid(child, &status, 0) != child) return 0;
    if (++count == most) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return count;
    }
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? count : 0;
}

volatile int rounds = 10;
void go_round() noexcept {
  for (int i = 0; i < rounds; ++i) asm volatile("");  // or nothing would be left of it
}

/// Nothing is searched for, nothing is repeated until it is good enough: a run takes the same
/// instructions whatever its numbers are. That is promised of inference, all of which is counted.
/// A training step leaves out the update if the loss is no finite number, and is counted where it
/// is short.
int test_instructions(const HotPaths& paths) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof one, &one);  // neither process then waits for another core to wake
  constexpr long most = 100000, most_of_training = 10000;
  const long few = instructions(go_round, most);
  if (few == 0) {
    std::puts("skipped: this process may not trace another");
    return skipped;
  }
  rounds = 20;
  int mistakes = 0;
  if (instructions(go_round, most) < few + 10) {
    std::puts("instructions are not counted");
    ++mistakes;
  }
  for (const HotPath& path : paths) {
    const bool trains = !path.target.empty();
    const long limit = trains ? most_of_training : most;
    const long usual = instructions(path.run, limit);
    if (usual == 0 || usual == limit) {
      std::printf("%s: not counted, more than %ld instructions\n", path.name, limit);
      if (usual == 0 || !trains) ++mistakes;
      continue;
    }
    std::printf("%s: %ld instructions\n", path.name, usual);
    using Limits = std::numeric_limits<float>;
    for (const float value : {Limits::quiet_NaN(), Limits::max(), Limits::denorm_min()}) {
      std::ranges::fill(path.x, value);
      const long count = instructions(path.run, limit);
      if (count == usual || (trains && count != 0 && count < usual)) continue;
      std::printf("  %+ld if the inputs are %g\n", count - usual, static_cast<double>(value));
      ++mistakes;
    }
  }
  return mistakes;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view test = count > 1 ? arguments[1] : "";
  etch::Parameters<Mlp> weights;
  fill(weights.data);
  LiveMlp live(weights);
  LiveMlp::Reader reader(live);
  const HotPaths paths = warm_paths(reader);
  for (const HotPath& path : paths) {
    if (std::isfinite(path.y[0]) && path.y[0] != 0) continue;
    std::printf("%s: computes nothing\n", path.name);
    return EXIT_FAILURE;
  }
  if (test == "system_calls") return test_system_calls(paths);
  if (test == "stack") return test_stack(paths);
  if (test == "instructions") return test_instructions(paths);
  return EXIT_FAILURE;
}
