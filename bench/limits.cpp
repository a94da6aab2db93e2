// SPDX-License-Identifier: BSL-1.0
#include "limits.hpp"

#include <etch/kernels/math.hpp>
#include <hwy/highway.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using V = hn::Vec<Tag>;

/// Independent chains: more than latency times ports anywhere.
constexpr std::size_t chains = 12;

template <std::size_t... i>
HWY_INLINE void multiply_add(V a, V b, V* HWY_RESTRICT acc, std::index_sequence<i...>) {
  ((acc[i] = hn::MulAdd(a, b, acc[i])), ...);
}

/// Returns its flops.
HWY_NOINLINE double run_fma(std::size_t rounds, float* sink) {
  const Tag d;
  V acc[chains];
  for (V& v : acc) v = hn::Zero(d);
  const V a = hn::Set(d, sink[0]), b = hn::Set(d, sink[1]);
  for (std::size_t r = 0; r < rounds; ++r) {
    multiply_add(a, b, acc, std::make_index_sequence<chains>{});
  }
  V sum = acc[0];
  for (std::size_t i = 1; i < chains; ++i) sum = hn::Add(sum, acc[i]);
  hn::StoreU(sum, d, sink + 2);
  return 2.0 * static_cast<double>(rounds * chains * hn::Lanes(d));
}

template <std::size_t... i>
HWY_INLINE void read_step(const float* from, V* HWY_RESTRICT acc, std::index_sequence<i...>) {
  const Tag d;
  ((acc[i] = hn::Max(acc[i], hn::Load(d, from + i * hn::MaxLanes(Tag{})))), ...);
}

HWY_NOINLINE void read_all(const float* from, std::size_t floats, float* sink) {
  const Tag d;
  constexpr std::size_t step = 8 * hn::MaxLanes(Tag{});
  V acc[8];
  for (V& v : acc) v = hn::Zero(d);
  for (std::size_t i = 0; i + step <= floats; i += step) {
    read_step(from + i, acc, std::make_index_sequence<8>{});
  }
  V all = acc[0];
  for (std::size_t k = 1; k < 8; ++k) all = hn::Max(all, acc[k]);
  hn::StoreU(all, d, sink);
}

struct Tanh {
  HWY_INLINE V operator()(V x) const { return etch::HWY_NAMESPACE::tanh(Tag{}, x); }
};
struct Exp {
  HWY_INLINE V operator()(V x) const { return etch::HWY_NAMESPACE::exp(Tag{}, x); }
};

template <class F> HWY_NOINLINE void run_map(const float* x, std::size_t floats, float* y) {
  const Tag d;
  for (std::size_t i = 0; i < floats; i += 4 * hn::Lanes(d)) {
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t at = i + k * hn::Lanes(d);
      hn::Store(F{}(hn::Load(d, x + at)), d, y + at);
    }
  }
}

}  // namespace
}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace bench {

namespace {

namespace target = HWY_NAMESPACE;

double seconds_of(auto&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double fastest(int times, auto&& f) {
  double best = 1e9;
  for (int i = 0; i < times; ++i) best = std::min(best, seconds_of(f));
  return best;
}

double read_rate(std::size_t bytes) {
  const std::size_t floats = bytes / sizeof(float);
  struct alignas(64) Line {
    float f[16];
  };
  const std::vector<Line> data(floats / 16);
  float sink[16];
  const std::size_t passes = std::max<std::size_t>(1, (std::size_t{1} << 22) / bytes);
  const double best = fastest(100, [&] {
    for (std::size_t p = 0; p < passes; ++p) target::read_all(data[0].f, floats, sink);
  });
  return static_cast<double>(bytes * passes) / best;
}

}  // namespace

Limits measure_limits() {
  Limits l;
  float sink[32] = {1e-9f, 1e-9f};
  double work = 0;
  const double fma = fastest(2000, [&] { work = target::run_fma(4000, sink); });
  l.flops = work / fma;
  l.l1 = read_rate(std::size_t{20} << 10);
  l.l2 = read_rate(std::size_t{512} << 10);
  l.l3 = read_rate(std::size_t{6} << 20);
  alignas(64) float x[1024], y[1024];
  for (std::size_t i = 0; i < 1024; ++i) x[i] = static_cast<float>(i) / 300.f - 1.7f;
  l.tanh = 1024 / fastest(5000, [&] { target::run_map<target::Tanh>(x, 1024, y); });
  l.exp = 1024 / fastest(5000, [&] { target::run_map<target::Exp>(x, 1024, y); });
  return l;
}

/// Many independent integer steps a cycle: whatever the neighbour does, it takes some of the slots.
double Probe::seconds() {
  return seconds_of([] {
    std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5;
    for (std::uint64_t i = 0; i < 1500; ++i) {
      a += i;
      b ^= i;
      c -= i;
      d ^= i;
      e += i;
      asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
    }
  });
}

Probe::Probe() : best_(1e9) {
  for (int i = 0; i < 20000; ++i) best_ = std::min(best_, seconds());
}

bool Probe::clean() {
  const double now = seconds();
  best_ = std::min(best_, now);
  return now < 1.1 * best_;
}

}  // namespace bench
