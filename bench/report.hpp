// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "limits.hpp"

namespace bench {

/// Collects what Google Benchmark measures, named `workload/engine`, and in the end prints one
/// table a workload with each engine's ratio to etch, and writes the same as columns for gnuplot.
class Report : public benchmark::BenchmarkReporter {
 public:
  Report(const Limits& limits, std::string plot_data)
      : limits_(limits), plot_data_(std::move(plot_data)) {}

  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

 private:
  struct Figure {
    std::string engine;
    double median = 0, least = 0;  ///< seconds
    double dirty = 0;              ///< share of the batches
    std::map<std::string, double> tail{};
  };
  struct Table {
    std::string workload;
    std::vector<Figure> figures;
  };

  Figure& figure(const std::string& name);
  void sort();
  double limit_of(const std::string& workload) const;
  static double etch_seconds(const Table& table);
  void print(const Table& table) const;
  void print_slowdown(const Table& table) const;
  static void print_tail(const Table& table);
  void write_plot_data() const;

  Limits limits_;
  std::string plot_data_;
  std::vector<Table> tables_;
};

}  // namespace bench
