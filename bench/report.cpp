// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <utility>

#include "engine.hpp"

namespace bench {

namespace {

struct Amount {
  double value;
  const char* unit;
};

Amount readable(double seconds) {
  if (seconds < 1e-6) return {seconds * 1e9, "ns"};
  if (seconds < 1e-3) return {seconds * 1e6, "us"};
  return {seconds * 1e3, "ms"};
}

}  // namespace

Report::Figure& Report::figure(const std::string& name) {
  const std::size_t slash = name.find('/');
  const std::string workload = name.substr(0, slash);
  const std::string engine = name.substr(slash + 1, name.find('/', slash + 1) - slash - 1);
  auto table = std::ranges::find(tables_, workload, &Table::workload);
  if (table == tables_.end()) table = tables_.insert(table, {workload, {}});
  auto& figures = table->figures;
  auto found = std::ranges::find(figures, engine, &Figure::engine);
  if (found == figures.end()) found = figures.insert(found, {.engine = engine});
  return *found;
}

void Report::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if (run.error_occurred) continue;
    Figure& f = figure(run.run_name.function_name);
    const double seconds = run.GetAdjustedRealTime() / 1e9;
    const bool single = run.run_type == Run::RT_Iteration && run.repetitions <= 1;
    const bool median = single || run.aggregate_name == "median";
    if (median) f.median = seconds;
    if (single || run.aggregate_name == "min") f.least = seconds;
    for (const auto& [key, counter] : run.counters) {
      if (key == "dirty") {
        if (single || run.aggregate_name == "mean") f.dirty = counter.value;
      } else if (key == "max" ? single || run.aggregate_name == "max" : median) {
        f.tail[key] = counter.value;
      }
    }
  }
}

double Report::limit_of(const std::string& workload) const {
  for (const Workload& w : workloads()) {
    if (w.name == workload) return limit(w, limits_);
  }
  for (const Product& p : products()) {
    if (p.name == workload) return limit(p, limits_);
  }
  return 0;
}

/// Of etch, or 0 if a filter has left it out.
double Report::etch_seconds(const Table& table) {
  const auto etch = std::ranges::find(table.figures, "etch", &Figure::engine);
  return etch == table.figures.end() ? 0 : etch->median;
}

/// How much slower each engine is with denormal numbers than without.
void Report::print_slowdown(const Table& table) const {
  const std::string normal = table.workload.substr(0, table.workload.find("_denormal"));
  const auto other = std::ranges::find(tables_, normal, &Table::workload);
  if (normal == table.workload || other == tables_.end()) return;
  std::printf("  over %s:", normal.c_str());
  for (const Figure& f : table.figures) {
    const std::string engine = f.engine == "etch_flush" ? "etch" : f.engine;
    const auto match = std::ranges::find(other->figures, engine, &Figure::engine);
    if (match == other->figures.end()) continue;
    std::printf(" %s %.2f", f.engine.c_str(), f.median / match->median);
  }
  std::printf("\n");
}

void Report::print(const Table& table) const {
  const double bound = limit_of(table.workload);
  const Amount at_best = readable(bound);
  std::printf("\n%s (limit of this core: %.3g %s)\n", table.workload.c_str(), at_best.value,
              at_best.unit);
  std::printf("  %-14s %12s %12s %10s %9s\n", "engine", "median", "minimum", "/ etch", "of limit");
  const double etch = etch_seconds(table);
  for (const Figure& f : table.figures) {
    const Amount median = readable(f.median), least = readable(f.least);
    std::printf("  %-14s %9.4g %s %9.4g %s ", f.engine.c_str(), median.value, median.unit,
                least.value, least.unit);
    if (etch == 0) std::printf("%10s", "");
    else std::printf("%9.2fx", f.median / etch);
    std::printf(" %8.0f%%", 100 * bound / f.median);
    if (f.dirty > 0.005) std::printf("  (%.0f%% beside a busy neighbour)", 100 * f.dirty);
    std::printf("\n");
  }
  print_slowdown(table);
}

void Report::print_tail(const Table& table) {
  std::printf("\n%s, ns\n  %-14s %9s %9s %9s %9s\n", table.workload.c_str(), "engine", "p50", "p99",
              "p99.9", "max");
  for (const Figure& f : table.figures) {
    std::printf("  %-14s %9.0f %9.0f %9.0f %9.0f\n", f.engine.c_str(), f.tail.at("p50"),
                f.tail.at("p99"), f.tail.at("p99_9"), f.tail.at("max"));
  }
}

/// A row a workload, a column an engine in the order of all engines: its time over etch's. "?"
/// where an engine has none.
void Report::write_plot_data() const {
  std::vector<std::string> names;
  for (const EngineEntry& e : engines()) {
    // Remarks on one workload, and the same code by another way.
    const bool other = e.name.starts_with("etch_");
    if (!other) names.push_back(e.name);
  }
  std::ofstream file(plot_data_);
  file << "workload";
  for (const std::string& name : names) file << ' ' << name;
  file << '\n';
  for (const Table& table : tables_) {
    if (!table.figures.front().tail.empty() || etch_seconds(table) == 0) continue;
    file << table.workload;
    for (const std::string& name : names) {
      const auto f = std::ranges::find(table.figures, name, &Figure::engine);
      if (f == table.figures.end()) file << " ?";
      else file << ' ' << f->median / etch_seconds(table);
    }
    file << '\n';
  }
}

/// Random interleaving also shuffles what arrives: back to the order of the workloads, etch first,
/// then the fastest.
void Report::sort() {
  std::vector<std::string> order;
  for (const Workload& w : workloads()) {
    order.push_back(w.name);
    order.push_back(w.name + "_tail");
  }
  for (const Product& p : products()) order.push_back(p.name);
  std::ranges::sort(tables_, {}, [&](const Table& table) {
    return std::ranges::find(order, table.workload) - order.begin();
  });
  for (Table& table : tables_) {
    std::ranges::sort(table.figures, {}, [](const Figure& f) {
      return std::pair(f.engine != "etch", f.median);
    });
  }
}

void Report::Finalize() {
  sort();
  std::printf("This core: %.0f GFLOP/s; reads %.0f GB/s from L1, %.0f from L2, %.0f from L3; a "
              "tanh takes %.2f ns, an exp %.2f.\n",
              limits_.flops / 1e9, limits_.l1 / 1e9, limits_.l2 / 1e9, limits_.l3 / 1e9,
              1e9 / limits_.tanh, 1e9 / limits_.exp);
  for (const Table& table : tables_) {
    if (table.figures.front().tail.empty()) print(table);
    else print_tail(table);
  }
  if (!plot_data_.empty()) write_plot_data();
}

}  // namespace bench
