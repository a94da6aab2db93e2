// SPDX-License-Identifier: BSL-1.0
// Every engine on every workload, checked against etch and then timed.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
#endif

#include "clock.hpp"
#include "engine.hpp"
#include "limits.hpp"
#include "report.hpp"
#include "tail.hpp"

namespace bench {
namespace {

struct Settings {
  bool smoke = false;  ///< --smoke: every job once, nothing is measured
  std::string plot_data;
};

/// One core and one thread for everyone. The libraries read these variables when they are loaded,
/// so the program starts itself anew.
void use_one_thread([[maybe_unused]] char** argv) {
#if defined(__linux__)
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  if (std::getenv("ETCH_BENCH_STARTED") == nullptr) {
    setenv("ETCH_BENCH_STARTED", "1", 1);
    for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}) {
      setenv(name, "1", 1);
    }
    execv("/proc/self/exe", argv);
  }
  sched_setaffinity(0, sizeof one, &one);
#endif
}

/// Numbers agree up to the rounding of sums in another order, or of small weights. Denormal ones
/// have few digits, and an engine may as well take all of them for zero.
bool agree(std::span<const float> found, std::span<const float> expected, float relative) {
  if (found.size() != expected.size()) return false;
  float largest = 0;
  for (const float v : expected) largest = std::max(largest, std::abs(v));
  const bool denormal = largest < std::numeric_limits<float>::min();
  if (denormal && std::ranges::all_of(found, [](float v) { return v == 0; })) return true;
  const float unit = std::numeric_limits<float>::denorm_min();
  const float tolerance = denormal ? 64 * unit : relative * largest;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!(std::abs(found[i] - expected[i]) <= tolerance)) return false;  // so NaN never agrees
  }
  return true;
}

/// What the first calls put out, one behind the other.
Floats first_outputs(Job& job, std::size_t calls) {
  job.reset();
  Floats outputs;
  for (std::size_t i = 0; i < calls; ++i) {
    job.run(1);
    const std::span<const float> y = job.output();
    outputs.insert(outputs.end(), y.begin(), y.end());
  }
  return outputs;
}

class Suite {
 public:
  explicit Suite(const Settings& settings) : settings_(settings) {}

  /// False if an engine computed something else.
  bool add_all() {
    for (const Workload& w : workloads()) {
      Floats expected = w.expected;
      for (const EngineEntry& e : engines()) {
        if (e.network != nullptr) add(w.name, e, e.network(w), expected, w.checked_calls());
      }
    }
    for (const Product& p : products()) {
      Floats expected = p.expected;
      for (const EngineEntry& e : engines()) {
        if (e.product != nullptr) add(p.name, e, e.product(p), expected, 1);
      }
    }
    return good_;
  }

 private:
  static constexpr double batch_seconds = 200e-6;
  static constexpr std::size_t batches = 21;
  static constexpr std::string_view tail_workload = "policy_16_64_64_4_tanh";
  static constexpr std::size_t tail_calls = 100'000;  // ten times

  /// `expected` of `calls` calls; if that is nothing, it will be what this engine computes.
  void add(const std::string& workload, const EngineEntry& engine, std::unique_ptr<Job> job,
           Floats& expected, std::size_t calls) {
    if (job == nullptr) return;
    const std::string name = workload + '/' + engine.name;
    const Floats found = first_outputs(*job, calls);
    const bool alone = expected.empty();
    if (alone) expected = found;
    if (!agree(found, expected, engine.tolerance)) {
      std::fprintf(stderr, "%s: not what etch computes\n", name.c_str());
      good_ = false;
      return;
    }
    if (settings_.smoke) {
      std::printf("%s: %s\n", name.c_str(),
                  alone ? "nothing to compare with" : "as etch computes");
      return;
    }
    const std::shared_ptr<Job> kept = std::move(job);
    add_timing(name, kept);
    if (workload == tail_workload) add_tail(workload + "_tail/" + engine.name, kept);
  }

  void add_timing(const std::string& name, const std::shared_ptr<Job>& job) {
    std::size_t calls = 0;
    const auto run = [this, job, calls](benchmark::State& state) mutable {
      job->reset();
      if (calls == 0) calls = calls_in(*job, batch_seconds);
      seconds_of(*job, std::max<std::size_t>(1, calls / 4));
      for (auto _ : state) {
        const Timing t = time_job(*job, calls, batches, probe_);
        state.SetIterationTime(t.median);
        state.counters["dirty"] = static_cast<double>(t.dirty) / batches;
      }
    };
    benchmark::RegisterBenchmark(name.c_str(), run)
        ->UseManualTime()
        ->Iterations(1)
        ->Repetitions(15)
        ->ComputeStatistics("min",
                            [](const std::vector<double>& v) { return std::ranges::min(v); });
  }

  void add_tail(const std::string& name, const std::shared_ptr<Job>& job) {
    benchmark::RegisterBenchmark(name.c_str(), [this, job](benchmark::State& state) {
      for (auto _ : state) {
        Tail tail;
        for (int tries = 0; tries < 5; ++tries) {  // a busy neighbour makes tails of its own
          const bool before = probe_.clean();
          tail = tail_of(*job, tail_calls);
          if (probe_.clean() && before) break;
        }
        state.SetIterationTime(tail.p50 / 1e9);
        state.counters["p50"] = tail.p50;
        state.counters["p99"] = tail.p99;
        state.counters["p99_9"] = tail.p99_9;
        state.counters["max"] = tail.max;
      }
    })->UseManualTime()->Iterations(1)->Repetitions(10)->ComputeStatistics(
        "max", [](const std::vector<double>& v) { return std::ranges::max(v); });
  }

  Settings settings_;
  Probe probe_;
  bool good_ = true;
};

/// Takes our own options out of argv.
Settings settings_from(int& argc, char** argv) {
  Settings settings;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--smoke") settings.smoke = true;
    else if (arg.starts_with("--plot-data=")) settings.plot_data = arg.substr(12);
    else argv[kept++] = argv[i];
  }
  argc = kept;
  return settings;
}

int run(int argc, char** argv) {
  const Settings settings = settings_from(argc, argv);
  // Ours first, so that the command line may say otherwise.
  std::vector<std::string> words = {argv[0], "--benchmark_enable_random_interleaving=true",
                                    "--benchmark_report_aggregates_only=true"};
  words.insert(words.end(), argv + 1, argv + argc);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  Suite suite(settings);
  const bool good = suite.add_all();
  if (!settings.smoke) {
    const Limits limits = measure_limits();
    benchmark::AddCustomContext("gflops", std::to_string(limits.flops / 1e9));
    benchmark::AddCustomContext("l1_gb_per_s", std::to_string(limits.l1 / 1e9));
    benchmark::AddCustomContext("l2_gb_per_s", std::to_string(limits.l2 / 1e9));
    Report report(limits, settings.plot_data);
    benchmark::RunSpecifiedBenchmarks(&report);
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::use_one_thread(argv);
  return bench::run(argc, argv);
}
