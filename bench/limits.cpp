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

HWY_NOINLINE void run_tanh(const float* x, std::size_t floats, float* y) {
  const Tag d;
  for (std::size_t i = 0; i < floats; i += 4 * hn::Lanes(d)) {
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t at = i + k * hn::Lanes(d);
      hn::Store(etch::HWY_NAMESPACE::tanh(d, hn::Load(d, x + at)), d, y + at);
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
  l.tanh = 1024 / fastest(5000, [&] { target::run_tanh(x, 1024, y); });
  return l;
}

namespace {

struct Work {
  double flops = 0, first_flops = 0, tanhs = 0, weights = 0;
};

Work work_of(const Workload& w) {
  Work work;
  double height = static_cast<double>(w.height), width = static_cast<double>(w.width);
  for (const Layer& layer : w.layers) {
    const auto window = static_cast<double>(layer.window);
    double positions = 1;
    if (layer.kind == Kind::max_pool2d) {
      height = static_cast<double>(static_cast<std::size_t>(height / window));
      width = static_cast<double>(static_cast<std::size_t>(width / window));
      continue;
    }
    if (layer.kind == Kind::conv2d) {
      height -= window - 1;
      width -= window - 1;
      positions = height * width;
    }
    const double flops = 2.0 * positions * static_cast<double>(layer.weight.size());
    if (work.flops == 0) work.first_flops = flops;
    work.flops += flops;
    work.weights += static_cast<double>(layer.weight.size() + layer.bias.size());
    if (layer.activation == Activation::tanh) {
      work.tanhs += positions * static_cast<double>(layer.out);
    }
  }
  return work;
}

double read_seconds(double bytes, const Limits& l) {
  return bytes / (bytes <= 32e3 ? l.l1 : bytes <= 1e6 ? l.l2 : l.l3);
}

}  // namespace

double limit(const Workload& w, const Limits& l) {
  const Work work = work_of(w);
  const auto batch = static_cast<double>(w.batch);
  const double tanh = batch * work.tanhs / l.tanh;
  if (w.loss == Loss::none) {
    return std::max(batch * work.flops / l.flops + tanh, read_seconds(4 * work.weights, l));
  }
  // Backward: the gradient of the weights, and of all inputs but the network's own.
  const double arithmetic = batch * (3 * work.flops - work.first_flops) / l.flops;
  // Adam reads parameters, gradients and two moments; writing them back is not counted.
  return std::max(arithmetic + tanh, read_seconds(4 * 4 * work.weights, l));
}

double limit(const Product& p, const Limits& l) {
  const auto n = static_cast<double>(p.n);
  return 2 * n * n * n / l.flops;
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
