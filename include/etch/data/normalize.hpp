// SPDX-License-Identifier: BSL-1.0
/// Bringing features to a common scale, with constants learned from the training part only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "etch/data/dataset.hpp"
#include "etch/data/result.hpp"

namespace etch {

/// y = (x - mean) / scale for each feature, as torchvision's `Normalize`. A plain value: `mean`
/// and `scale`, both [features], are all there is to store beside a model's weights.
/// Invariant: every scale is positive.
struct Scaler {
  std::vector<float> mean;
  std::vector<float> scale;

  std::size_t features() const noexcept { return mean.size(); }

  /// In place, on rows of features() each, one after the other.
  void apply(std::span<float> rows) const noexcept {
    for_each(rows, [](float x, float m, float s) { return (x - m) / s; });
  }
  /// Undoes `apply` up to rounding.
  void inverse(std::span<float> rows) const noexcept {
    for_each(rows, [](float y, float m, float s) { return y * s + m; });
  }

  /// On the inputs of a dataset, which must have as many features: otherwise raises as
  /// `Result::value` does.
  Dataset apply(Dataset data) const {
    require_features(data);
    apply(data.inputs());
    return data;
  }
  Dataset inverse(Dataset data) const {
    require_features(data);
    inverse(data.inputs());
    return data;
  }

 private:
  template <class F>
  void for_each(std::span<float> rows, F f) const noexcept {
    const std::size_t width = features();
    for (; width > 0 && rows.size() >= width; rows = rows.subspan(width)) {
      for (std::size_t j = 0; j < width; ++j) rows[j] = f(rows[j], mean[j], scale[j]);
    }
  }

  void require_features(const Dataset& data) const {
    if (data.features() == features()) return;
    detail::raise("scaler: fitted on " + std::to_string(features()) +
                  " features, the dataset has " + std::to_string(data.features()));
  }
};

namespace detail {

/// What a feature that never changes is divided by.
inline float positive_or_one(double scale) {
  const auto narrowed = static_cast<float>(scale);
  return narrowed > 0 && std::isfinite(narrowed) ? narrowed : 1.0f;
}

}  // namespace detail

/// The same constants for every feature, as for the pixels of an image: `constant(64, 0, 16)`.
/// Requires scale > 0.
inline Scaler constant_scaler(std::size_t features, float mean, float scale) {
  return {std::vector<float>(features, mean), std::vector<float>(features, scale)};
}

/// Mean 0 and standard deviation 1 on the rows of `train`, as scikit-learn's `StandardScaler`:
/// the deviation is the population's (divided by n); a constant feature has scale 1.
/// No rows: mean 0, scale 1.
inline Scaler fit_standard(const Dataset& train) {
  Scaler scaler = constant_scaler(train.features(), 0, 1);
  const auto count = static_cast<double>(train.size());
  if (train.empty()) return scaler;
  for (std::size_t j = 0; j < train.features(); ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < train.size(); ++i) sum += double{train.input(i)[j]};
    const double mean = sum / count;
    double squares = 0;
    for (std::size_t i = 0; i < train.size(); ++i) {
      const double difference = double{train.input(i)[j]} - mean;
      squares += difference * difference;
    }
    scaler.mean[j] = static_cast<float>(mean);
    scaler.scale[j] = detail::positive_or_one(std::sqrt(squares / count));
  }
  return scaler;
}

/// Smallest value to `low`, largest to `high` on the rows of `train`, as scikit-learn's
/// `MinMaxScaler`; a constant feature goes to `low`. No rows: changes nothing.
/// Requires low < high.
inline Scaler fit_min_max(const Dataset& train, float low = 0, float high = 1) {
  Scaler scaler = constant_scaler(train.features(), 0, 1);
  if (train.empty()) return scaler;
  for (std::size_t j = 0; j < train.features(); ++j) {
    float least = train.input(0)[j];
    float most = least;
    for (std::size_t i = 1; i < train.size(); ++i) {
      least = std::min(least, train.input(i)[j]);
      most = std::max(most, train.input(i)[j]);
    }
    const double width = double{high} - double{low};
    scaler.scale[j] = detail::positive_or_one((double{most} - double{least}) / width);
    scaler.mean[j] = static_cast<float>(double{least} - double{low} * double{scaler.scale[j]});
  }
  return scaler;
}

}  // namespace etch
