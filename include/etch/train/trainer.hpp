// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "etch/data/batches.hpp"
#include "etch/data/dataset.hpp"
#include "etch/data/result.hpp"
#include "etch/network/check_input.hpp"
#include "etch/network/parameters.hpp"
#include "etch/network/training.hpp"
#include "etch/train/history.hpp"
#include "etch/train/losses.hpp"
#include "etch/train/optimizers.hpp"
#include "etch/train/progress.hpp"

namespace etch {

namespace detail {

/// Whether a network and a loss fit together; reported once, here. `valid` is the network's own: if
/// clang met its error in here, this function would be no constant expression, a second error.
template <class Net, class Loss, bool valid> constexpr bool check_loss() {
  if constexpr (!valid) {
    return false;
  } else if constexpr (!all_floats<Net>) {
    static_assert(stores_floats<all_floats<Net>, Net>,
                  "etch: quantised weights are not trained: train the network, then quantize them");
    return false;
  } else {
    using V = decltype(layer_fits<Loss, OutputShape<Net>>());
    static_assert(shapes_agree<V::ok, AtLoss<Loss>, typename V::expected, typename V::got>,
                  "etch: this loss needs another output shape of the network");
    return V::ok;
  }
}

/// What a trainer has executed. Being a type of its own for each vector target, it keeps trainers
/// that are compiled with different flags apart.
template <bool valid, class Net, class Loss, class Optimizer, std::size_t batch> struct executed {
  using type = Training<Net, Loss, Optimizer, batch>;
};
template <class Net, class Loss, class Optimizer, std::size_t batch>
struct executed<false, Net, Loss, Optimizer, batch> {
  using type = void;
};

}  // namespace detail

/// Trains a network on data sets in memory.
///
///     Trainer<Net, CrossEntropy, Adam, Batch<32>> trainer({.epochs = 20, .seed = 1});
///     const auto history = trainer.fit(train, validation);
///     const Score score = trainer.evaluate(test);
///
/// The same seed and data give the same bits at every vector width that has fused multiply-add, and
/// on every such machine as long as nothing becomes denormal: machines round those differently.
template <class Net, class Loss, class Optimizer, class BatchSize,
          bool valid = detail::check_loss<Net, Loss, Net::valid>(),
          class Executed =
              typename detail::executed<valid, Net, Loss, Optimizer, BatchSize::size>::type>
class Trainer {
  static constexpr std::size_t batch = BatchSize::size;
  static constexpr std::size_t inputs = InputShape<Net>::size;
  static constexpr std::size_t outputs = OutputShape<Net>::size;
  static constexpr std::size_t targets = Loss::template Target<OutputShape<Net>>::size;

 public:
  using Options = TrainerOptions<Optimizer>;

  /// Bytes of stack that `step` may use, compiled with -O2. It neither allocates nor waits.
  static constexpr std::size_t stack_bytes = Executed::stack_bytes;

  explicit Trainer(Options options = {})
      : options_(std::move(options)), training_(std::make_unique<Executed>(options_.seed)) {
    initialize(training_->parameters, options_.seed);
  }

  Parameters<Net>& parameters() noexcept { return training_->parameters; }
  const Parameters<Net>& parameters() const noexcept { return training_->parameters; }
  const Parameters<Net>& gradients() const noexcept { return training_->gradients; }

  /// Its numbers, the learning rate among them, may change between steps and epochs.
  Optimizer& optimizer() noexcept { return options_.optimizer; }

  /// One step on a whole batch: x [batch, input], target [batch, target]. Returns the mean loss
  /// before the step. If that is not a finite number, nothing is changed.
  float step(std::span<const float, batch * inputs> x,
             std::span<const float, batch * targets> target) noexcept {
    std::ranges::fill(training_->weight, 1.f / static_cast<float>(batch));
    return training_->step(options_.optimizer, x.data(), target.data());
  }

  /// The same, or an error if an input or target is no row of its table and no class: those of
  /// `step` count as the nearest row, and as no class at all.
  Result<float> checked_step(std::span<const float, batch * inputs> x,
                             std::span<const float, batch * targets> target) {
    for (std::size_t i = 0; i < batch; ++i) {
      auto good = check_input<Net>(x.subspan(i * inputs).template first<inputs>());
      if (!good) return Error{"etch: sample " + std::to_string(i) + ": " + good.error().message};
      if constexpr (Loss::classifies) {
        const float t = target[i];
        if (t >= 0 && t == std::floor(t) && t < static_cast<float>(outputs)) continue;
        return Error{"etch: sample " + std::to_string(i) + ": target " + std::to_string(t) +
                     " is none of the classes 0.." + std::to_string(outputs - 1)};
      }
    }
    return step(x, target);
  }

  /// Trains for `options.epochs` epochs, and validates after each if there is something to validate
  /// on. Stops with an error if the data do not fit the network, or if the loss is no finite
  /// number: then all is as it was after the last epoch that went well, the optimizer's memory too.
  Result<History> fit(const Dataset& train, const Dataset& validation = {}) {
    for (const Dataset* data : {&train, &validation}) {
      if (auto fits = check(*data); !fits) return fits.error();
    }
    if (train.empty()) return Error{"etch: the training data are empty"};
    Progress progress(options_.progress);
    Batches batches(train.size(), batch, options_.seed);
    History history;
    for (std::size_t epoch = 0; epoch < options_.epochs; ++epoch) {
      training_->remember();
      progress.begin_epoch(epoch + 1, options_.epochs, batches.size(), train.size());
      batches.start_epoch(static_cast<std::uint32_t>(epochs_++));
      const auto result = run_epoch(train, validation, batches, progress);
      if (!result) {
        training_->go_back();
        progress.finish();
        return Error{"etch: epoch " + std::to_string(epoch + 1) + ": " + result.error().message};
      }
      history.epochs.push_back(*result);
    }
    progress.finish();
    return history;
  }

  /// Loss and accuracy on a data set that fits the network.
  Score evaluate(const Dataset& data) {
    if (auto fits = check(data); !fits) etch::detail::raise(fits.error().message);
    Tally tally;
    const Batches batches(data.size(), batch, 0, {.shuffle = false});
    for (const Batches::Rows rows : batches) {
      load(data, rows);
      count(tally, rows.size(), training_->evaluate());
    }
    return tally.score();
  }

 private:
  Result<void> check(const Dataset& data) const {
    if (data.empty()) return {};
    const auto differs = [](const char* what, std::size_t network, std::size_t found) {
      return Error{std::string("etch: the network has ") + std::to_string(network) + ' ' + what +
                   ", the data have " + std::to_string(found)};
    };
    if (data.features() != inputs) return differs("inputs", inputs, data.features());
    if constexpr (Loss::classifies) {
      if (data.classes() == 0 || data.classes() > outputs) {
        return differs("classes", outputs, data.classes());
      }
    } else if (data.outputs() != targets) {
      return differs("outputs", targets, data.outputs());
    }
    if constexpr (etch::detail::indices_of_input<Net>().size() != 0) {
      for (std::size_t i = 0; i < data.size(); ++i) {
        auto good = check_input<Net>(data.input(i).template first<inputs>());
        if (!good) return Error{"etch: row " + std::to_string(i) + ": " + good.error().message};
      }
    }
    return {};
  }

  /// One epoch of steps, then the validation.
  Result<EpochRecord> run_epoch(const Dataset& train, const Dataset& validation,
                                const Batches& batches, Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    Tally tally;
    std::size_t done = 0;
    for (const Batches::Rows rows : batches) {
      load(train, rows);
      const float loss = training_->step(options_.optimizer, training_->x, training_->target);
      if (!std::isfinite(loss)) return diverged(done, loss);
      count(tally, rows.size(), loss);
      progress.update(++done, tally.score().loss, tally.score().accuracy);
    }
    if (!std::ranges::all_of(parameters().data, [](float p) { return std::isfinite(p); })) {
      return Error{"a parameter is not a finite number after the last step"};
    }
    EpochRecord record{.train = tally.score()};
    if (!validation.empty()) record.validation = evaluate(validation);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    record.seconds = elapsed.count();
    progress.end_epoch({.train = record.train,
                        .validation = record.validation,
                        .samples = train.size(),
                        .seconds = record.seconds});
    return record;
  }

  static Error diverged(std::size_t done, float loss) {
    return Error{"batch " + std::to_string(done + 1) + ": the loss is " +
                 (std::isnan(loss) ? "not a number" : "infinite") +
                 "; the parameters are those of the epoch before (try a smaller learning rate, and "
                 "look for extreme values in the data)"};
  }

  /// Fills the batch; rows that are missing in the last one count nothing.
  void load(const Dataset& data, Batches::Rows rows) noexcept {
    Executed& m = *training_;
    gather_inputs(data, rows, m.x);
    float* target = m.target;
    for (const std::uint32_t row : rows) {
      if constexpr (Loss::classifies) *target++ = static_cast<float>(data.label(row));
      else target = std::ranges::copy(data.target(row), target).out;
    }
    const float share = 1.f / static_cast<float>(rows.size());
    for (std::size_t i = 0; i < batch; ++i) m.weight[i] = i < rows.size() ? share : 0;
    std::fill(m.x + rows.size() * inputs, m.x + batch * inputs, 0.f);
    std::fill(target, m.target + batch * targets, 0.f);
  }

  struct Tally {
    double loss = 0, correct = 0;
    std::size_t samples = 0;

    Score score() const {
      const auto n = static_cast<double>(samples);
      return {.loss = loss / n, .accuracy = correct / n};
    }
  };

  /// The batch that was last looked at.
  void count(Tally& tally, std::size_t rows, float mean_loss) const {
    const float* const prediction = training_->predictions();
    tally.loss += static_cast<double>(mean_loss) * static_cast<double>(rows);
    tally.samples += rows;
    if constexpr (requires { &Loss::correct; }) {
      for (std::size_t i = 0; i < rows; ++i) {
        tally.correct += Loss::correct({prediction + i * outputs, outputs},
                                       {training_->target + i * targets, targets});
      }
    } else {
      tally.correct = std::nan("");
    }
  }

  Options options_;
  std::unique_ptr<Executed> training_;
  std::uint64_t epochs_ = 0;
};

/// The trainer of a network with a mistake, which has been reported.
template <class Net, class Loss, class Optimizer, class BatchSize, class Executed>
class Trainer<Net, Loss, Optimizer, BatchSize, false, Executed> {
 public:
  using Options = TrainerOptions<Optimizer>;
  explicit Trainer(Options = {}) {}
  template <class... X> Result<History> fit(const X&...);
  template <class... X> Score evaluate(const X&...);
  template <class... X> float step(const X&...);
  Parameters<Net>& parameters();
};

}  // namespace etch
