// SPDX-License-Identifier: BSL-1.0
/// Rows of features with a label or with targets, in memory, and their random split.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "etch/data/random.hpp"
#include "etch/data/result.hpp"

namespace etch {

/// Inputs [size, features], row-major, with either one class index a row (classification:
/// classes() > 0, outputs() == 0) or targets [size, outputs] (regression: the reverse).
/// An image is a row of C x H x W features. At most 2^32 - 1 rows.
class Dataset {
 public:
  Dataset() = default;

  /// inputs: [n, features], labels: [n], each below `classes`. Error: sizes or labels disagree.
  static Result<Dataset> classification(std::size_t features, std::size_t classes,
                                        std::vector<float> inputs,
                                        std::vector<std::uint32_t> labels) {
    if (classes == 0) return Error{"dataset: there must be at least one class"};
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < classes) continue;
      return Error{"dataset: label " + std::to_string(labels[i]) + " of row " + std::to_string(i) +
                   " is out of range (0.." + std::to_string(classes - 1) + ")"};
    }
    Dataset data;
    data.features_ = features;
    data.classes_ = classes;
    data.inputs_ = std::move(inputs);
    data.labels_ = std::move(labels);
    data.size_ = data.labels_.size();
    return checked(std::move(data));
  }

  /// inputs: [n, features], targets: [n, outputs]. Error: sizes disagree.
  static Result<Dataset> regression(std::size_t features, std::size_t outputs,
                                    std::vector<float> inputs, std::vector<float> targets) {
    if (outputs == 0 || targets.size() % outputs != 0) {
      return Error{"dataset: " + std::to_string(targets.size()) + " targets are no rows of " +
                   std::to_string(outputs)};
    }
    Dataset data;
    data.features_ = features;
    data.outputs_ = outputs;
    data.inputs_ = std::move(inputs);
    data.targets_ = std::move(targets);
    data.size_ = data.targets_.size() / outputs;
    return checked(std::move(data));
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t features() const noexcept { return features_; }
  std::size_t classes() const noexcept { return classes_; }
  std::size_t outputs() const noexcept { return outputs_; }

  /// All rows, one after the other.
  std::span<const float> inputs() const noexcept { return inputs_; }
  std::span<float> inputs() noexcept { return inputs_; }
  std::span<const std::uint32_t> labels() const noexcept { return labels_; }
  std::span<const float> targets() const noexcept { return targets_; }
  std::span<float> targets() noexcept { return targets_; }

  /// Row `i`; requires i < size(), and for a label or target that the dataset has them.
  std::span<const float> input(std::size_t i) const noexcept {
    return inputs().subspan(i * features_, features_);
  }
  std::uint32_t label(std::size_t i) const noexcept { return labels_[i]; }
  std::span<const float> target(std::size_t i) const noexcept {
    return targets().subspan(i * outputs_, outputs_);
  }

  /// A dataset of copies of these rows, in this order. Requires every index below size().
  Dataset select(std::span<const std::uint32_t> rows) const {
    Dataset part;
    part.size_ = rows.size();
    part.features_ = features_;
    part.classes_ = classes_;
    part.outputs_ = outputs_;
    part.inputs_.reserve(rows.size() * features_);
    for (const std::uint32_t i : rows) {
      const auto x = input(i);
      part.inputs_.insert(part.inputs_.end(), x.begin(), x.end());
      if (classes_ > 0) part.labels_.push_back(label(i));
      const auto y = target(i);
      part.targets_.insert(part.targets_.end(), y.begin(), y.end());
    }
    return part;
  }

 private:
  static Result<Dataset> checked(Dataset data) {
    if (data.features_ == 0) return Error{"dataset: there must be at least one feature"};
    if (data.size_ > std::numeric_limits<std::uint32_t>::max()) {
      return Error{"dataset: more than 2^32 - 1 rows"};
    }
    if (data.inputs_.size() != data.size_ * data.features_) {
      return Error{"dataset: " + std::to_string(data.size_) + " rows of " +
                   std::to_string(data.features_) + " features need " +
                   std::to_string(data.size_ * data.features_) + " inputs, got " +
                   std::to_string(data.inputs_.size())};
    }
    return data;
  }

  std::size_t size_ = 0;
  std::size_t features_ = 0;
  std::size_t classes_ = 0;
  std::size_t outputs_ = 0;
  std::vector<float> inputs_;
  std::vector<std::uint32_t> labels_;
  std::vector<float> targets_;
};

/// Shares of the rows; not negative, together 1.
struct Fractions {
  double train = 0.7;
  double validation = 0.15;
  double test = 0.15;
};

/// Row indices of the three parts.
struct SplitRows {
  std::vector<std::uint32_t> train, validation, test;
};

/// The three parts of a dataset.
struct DatasetSplit {
  Dataset train, validation, test;
};

/// Every row 0..size-1 in exactly one part, chosen and ordered by the seed alone. The sizes are
/// those of PyTorch's `random_split`: shares rounded down, rows left over given to train,
/// validation, test in turn (but none to a part whose fraction is 0). Error: fractions that are
/// negative or do not sum to 1.
inline Result<SplitRows> split_rows(std::size_t size, Fractions fractions, std::uint64_t seed) {
  const std::array<double, 3> share{fractions.train, fractions.validation, fractions.test};
  for (const double f : share) {
    if (!(f >= 0)) return Error{"split: a fraction is " + std::to_string(f) + ", not 0 or more"};
  }
  const double sum = share[0] + share[1] + share[2];
  if (!(std::abs(sum - 1) <= 1e-6)) {
    return Error{"split: the fractions sum to " + std::to_string(sum) + ", not to 1"};
  }
  std::array<std::size_t, 3> count{};
  std::size_t left = size;
  for (std::size_t part = 0; part < 3; ++part) {
    const double rows = static_cast<double>(size) * share[part];
    count[part] = std::min(left, static_cast<std::size_t>(rows));
    left -= count[part];
  }
  for (std::size_t part = 0; left > 0; part = (part + 1) % 3) {
    if (share[part] == 0) continue;
    ++count[part];
    --left;
  }
  std::vector<std::uint32_t> rows(size);
  std::iota(rows.begin(), rows.end(), 0u);
  Random random(seed, RandomUse::split);
  shuffle(std::span(rows), random);
  const auto first = rows.begin();
  const auto second = first + static_cast<std::ptrdiff_t>(count[0]);
  const auto third = second + static_cast<std::ptrdiff_t>(count[1]);
  return SplitRows{{first, second}, {second, third}, {third, rows.end()}};
}

/// `split_rows`, with the rows copied: `split(data, {0.7, 0.15, 0.15}, seed).value()`.
inline Result<DatasetSplit> split(const Dataset& data, Fractions fractions, std::uint64_t seed) {
  const Result<SplitRows> rows = split_rows(data.size(), fractions, seed);
  if (!rows) return rows.error();
  return DatasetSplit{data.select(rows->train), data.select(rows->validation),
                      data.select(rows->test)};
}

}  // namespace etch
