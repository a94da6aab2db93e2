// SPDX-License-Identifier: BSL-1.0
// Neither inference nor a step of a stream or a training allocates: operator new, delete and
// malloc are counted. Sanitizers bring their own allocator, other C libraries other names; there
// this file is empty.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define ETCH_TEST_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ETCH_TEST_SANITIZED
#endif

#include <cstdlib>  // defines __GLIBC__ where it is that

#if defined(__GLIBC__) && !defined(ETCH_TEST_SANITIZED)

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <new>
#include <span>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/model.hpp"
#include "etch/network/stream.hpp"
#include "etch/train/trainer.hpp"

namespace {
std::atomic<long> calls{0};
}  // namespace

extern "C" {
// glibc's own names for what is replaced here.
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;

void* malloc(std::size_t n) noexcept {
  ++calls;
  return __libc_malloc(n);
}
void* calloc(std::size_t count, std::size_t n) noexcept {
  ++calls;
  return __libc_calloc(count, n);
}
void* realloc(void* p, std::size_t n) noexcept {
  ++calls;
  return __libc_realloc(p, n);
}
void* memalign(std::size_t alignment, std::size_t n) noexcept {
  ++calls;
  return __libc_memalign(alignment, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  return memalign(alignment, n);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
  *p = memalign(alignment, n);
  return *p == nullptr ? ENOMEM : 0;
}
void free(void* p) noexcept {
  if (p != nullptr) ++calls;
  __libc_free(p);
}
}

// The other forms of new and delete end here by default.
void* operator new(std::size_t n) {
  ++calls;
  if (void* p = __libc_malloc(n == 0 ? 1 : n)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t n, std::align_val_t alignment) {
  ++calls;
  if (void* p = __libc_memalign(static_cast<std::size_t>(alignment), n == 0 ? 1 : n)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { free(p); }
void operator delete(void* p, std::size_t) noexcept { free(p); }
void operator delete(void* p, std::align_val_t) noexcept { free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { free(p); }

namespace {

using namespace etch;

/// One of each kind of kernel.
using Net = Network<Input<1, 6, 6>, Conv2d<3, 3, Padding<1>>, ReLU, MaxPool2d<2>, Flatten,
                    LayerNorm<>, Residual<Linear<27>, GELU>, Linear<4>>;

template <class F> long calls_in(F&& f) {
  const long before = calls;
  f();
  return calls - before;
}

}  // namespace

TEST_CASE("the counter sees every way to allocate") {
  void* volatile p = nullptr;  // or the compiler leaves out what it sees through
  CHECK(calls_in([&] { p = std::malloc(8); }) == 1);
  CHECK(calls_in([&] { p = std::realloc(p, 1000); }) == 1);
  CHECK(calls_in([&] { std::free(p); }) == 1);
  CHECK(calls_in([&] { p = std::calloc(2, 8); }) == 1);
  std::free(p);
  CHECK(calls_in([&] { p = std::aligned_alloc(64, 64); }) == 1);
  std::free(p);
  CHECK(calls_in([&] { p = ::operator new(8); }) == 1);
  CHECK(calls_in([&] { ::operator delete(p); }) == 1);
  CHECK(calls_in([&] { p = ::operator new[](8); }) == 1);
  CHECK(calls_in([&] { ::operator delete[](p); }) == 1);
  constexpr std::align_val_t line{64};
  CHECK(calls_in([&] { p = ::operator new(64, line); }) == 1);
  CHECK(calls_in([&] { ::operator delete(p, line); }) == 1);
  CHECK(calls_in([] {}) == 0);
}

TEST_CASE("inference does not allocate") {
  const auto model = std::make_unique<Model<Net>>(1);
  const auto workspace = std::make_unique<Workspace<Net, 2>>();
  const std::array<float, 36> x{1, 2, 3};
  const std::array<float, 72> pair{4, 5, 6};
  std::array<float, 4> y{};
  std::array<float, 8> z{};
  CHECK(calls_in([&] { y = (*model)(x); }) == 0);
  CHECK(calls_in([&] { (*model)(x, y); }) == 0);
  CHECK(calls_in([&] { model->warm_up(); }) == 0);
  CHECK(calls_in([&] { infer<Net, 2>(model->parameters(), *workspace, pair, z); }) == 0);
}

TEST_CASE("a step of a stream does not allocate") {
  using Heard = Network<Input<2, 8>, Conv1d<3, 3, Causal<>>, Permute<1, 0>, GRU<4>>;
  const auto model = std::make_unique<StreamingModel<Heard, 2>>();
  std::array<float, 8> y{};
  CHECK(calls_in([&] { y = (*model)(std::array<float, 4>{1, 2, 3, 4}); }) == 0);
  CHECK(calls_in([&] { model->reset(); }) == 0);
  CHECK(calls_in([&] { model->restore(model->save()); }) == 0);
  CHECK(calls_in([&] { model->warm_up(); }) == 0);
  static_assert(noexcept((*model)(std::array<float, 4>{})) && noexcept(model->reset()));
}

TEST_CASE("a step of training does not allocate") {
  Trainer<Net, CrossEntropy, Adam, Batch<2>> trainer;
  const std::array<float, 72> x{1, 2, 3};
  const std::array<float, 2> target{3, 0};
  float first = 0, last = 0;
  CHECK(calls_in([&] { first = trainer.step(x, target); }) == 0);
  CHECK(calls_in([&] { last = trainer.step(x, target); }) == 0);
  static_assert(noexcept(trainer.step(x, target)));
  CHECK(last < first);
}

#endif
