// SPDX-License-Identifier: BSL-1.0
// Seconds and peak memory that a compiler takes for one translation unit. POSIX only.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cases.hpp"

namespace compile_time {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

struct Cost {
  double seconds = 0, megabytes = 0;
  bool compiled = false;
};

Cost compile(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) {
    execvp(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  // ru_maxrss counts the largest of the driver and the compiler proper, in kilobytes.
  return {took.count(), static_cast<double>(usage.ru_maxrss) / 1024, status == 0};
}

void time_compile(benchmark::State& state, const Case& c, const std::string& compiler) {
  const std::string file = c.name + ".cpp";
  std::ofstream(file) << c.source();
  std::vector<std::string> command = {compiler};
  for (const std::string& flag : words_of(c.etch ? ETCH_FLAGS : DLIB_FLAGS)) {
    command.push_back(flag);
  }
  if (c.etch && compiler.find("clang") != std::string::npos) {
    command.push_back("-fconstexpr-steps=100000000");
  }
  for (const char* word : {"-O2", "-c", "-o", "/dev/null"}) command.push_back(word);
  command.push_back(file);
  for (auto _ : state) {
    const Cost cost = compile(command);
    if (!cost.compiled) state.SkipWithError("does not compile");
    state.SetIterationTime(cost.seconds);
    state.counters["peak_MB"] = cost.megabytes;
  }
}

/// One line a program, two columns a compiler.
class Table : public benchmark::BenchmarkReporter {
 public:
  explicit Table(std::vector<std::string> compilers) : compilers_(std::move(compilers)) {}

  bool ReportContext(const Context&) override {
    std::printf("%-28s", "");
    for (const std::string& c : compilers_) std::printf("%22s", c.c_str());
    return true;
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const std::string& name = run.run_name.function_name;
      const std::string program = name.substr(0, name.find('/'));
      if (program != last_) std::printf("\n%-28s", program.c_str());
      last_ = program;
      if (run.error_occurred) {
        failed_ = true;
        std::printf("%22s", run.error_message.c_str());
        continue;
      }
      const double seconds = run.GetAdjustedRealTime();
      seconds_[name] = seconds;
      std::printf("%11.2f s %6.0f MB", seconds, run.counters.at("peak_MB").value);
      std::fflush(stdout);
    }
  }
  bool failed() const { return failed_; }
  void Finalize() override {
    std::printf("\n");
    for (const std::string& c : compilers_) {
      const auto time = [&](const std::string& name) {
        const auto found = seconds_.find(name + '/' + c);
        return found == seconds_.end() ? 0.0 : found->second;
      };
      std::printf("%s: a header of 100 000 weights adds %.2f s\n", c.c_str(),
                  time("weights_100000") - time("weights_0"));
      for (const std::string use : {"infer", "train"}) {
        const auto ratio = [&](const std::string& many, const std::string& few) {
          return time(many) / time(few);
        };
        const std::string different = "dense_different_" + use + '_';
        const std::string equal = "dense_equal_" + use + '_';
        std::printf("%s, %s: 100 different layers / 50: %.2f; 100 equal layers / 10: %.2f\n",
                    c.c_str(), use.c_str(), ratio(different + "100", different + "50"),
                    ratio(equal + "100", equal + "10"));
        const double without = time("sequence_" + use);
        std::printf("%s, %s: an LSTM adds %.2f s, an encoder %.2f s; six encoders / one: %.2f\n",
                    c.c_str(), use.c_str(), time("lstm_" + use) - without,
                    time("encoder_" + use) - without,
                    ratio("encoder_six_" + use, "encoder_" + use));
      }
    }
  }

 private:
  std::vector<std::string> compilers_;
  std::string last_;
  bool failed_ = false;
  std::map<std::string, double> seconds_;
};

}  // namespace
}  // namespace compile_time

int main(int argc, char** argv) {
  using namespace compile_time;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  std::vector<std::string> compilers = words_of(COMPILERS);
  std::vector<Case> all = cases();
  if (std::string_view(DLIB_FLAGS) != "") {
    for (Case& c : dlib_cases()) all.push_back(c);
  }
  for (const Case& c : all) {
    for (const std::string& compiler : compilers) {
      const auto run = [=](benchmark::State& state) { time_compile(state, c, compiler); };
      benchmark::RegisterBenchmark((c.name + '/' + compiler).c_str(), run)
          ->UseManualTime()
          ->Iterations(1)
          ->Unit(benchmark::kSecond);
    }
  }
  Table table(compilers);
  benchmark::RunSpecifiedBenchmarks(&table);
  return table.failed() ? 1 : 0;
}
