// SPDX-License-Identifier: BSL-1.0
/// How a training goes, for the person who waits: a line that is redrawn on a terminal, plain lines
/// in a file or a pipe.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "etch/train/score.hpp"
#include "etch/train/terminal.hpp"

namespace etch {

enum class ProgressStyle {
  automatic,  ///< `bar` if the file is a terminal, else `lines`
  off,
  lines,  ///< one line an epoch
  bar     ///< the same, and meanwhile a bar
};

struct ProgressOptions {
  ProgressStyle style = ProgressStyle::automatic;
  std::FILE* file = stdout;
  std::ostream* stream = nullptr;  ///< if set, instead of `file`; counts as no terminal
  std::size_t columns = 0;         ///< of the terminal; 0: as it says
  std::optional<bool> unicode{};   ///< for the bar; unset: as the locale says
  double redraw_seconds = 0.1;     ///< at least so long between two drawings of the bar
  std::function<double()> clock{};  ///< seconds since whenever; empty: std::chrono::steady_clock
};

/// An epoch when it is over. What is NaN is not shown.
struct EpochSummary {
  Score train{};
  Score validation{};
  std::size_t samples = 0;  ///< of the training set
  double seconds = 0;       ///< with validation
};

/// Shows the progress of a training. Calls: begin_epoch, update after each batch, end_epoch; and so
/// on for each epoch; finish. Once the line has reached its length `update` does not allocate.
class Progress {
 public:
  explicit Progress(ProgressOptions options = {}) : options_(std::move(options)) {
    if (options_.style == ProgressStyle::automatic) {
      const bool terminal = options_.stream == nullptr && is_terminal(options_.file);
      options_.style = terminal ? ProgressStyle::bar : ProgressStyle::lines;
    }
    unicode_ = options_.unicode.value_or(is_utf8_locale());
    line_.reserve(512);
    output_.reserve(1024);
  }
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Epochs count from 1. `samples` is the size of the training set, for the rate in samples; if it
  /// is unknown (0), the bar shows batches a second.
  void begin_epoch(std::size_t epoch, std::size_t epochs, std::size_t batches,
                   std::size_t samples = 0) {
    if (off()) return;
    epoch_start_ = last_update_ = now();
    if (epochs_ == 0) {
      first_epoch_ = epoch;
      start_ = epoch_start_;
    }
    epoch_ = epoch;
    epochs_ = std::max(epoch, epochs);
    batches_ = std::max<std::size_t>(batches, 1);
    samples_ = samples;
    batch_ = 0;
    score_ = {};
    draw_if_due();
  }

  /// `batch` of the epoch's batches are done; loss and accuracy of the epoch so far, NaN for none.
  void update(std::size_t batch, double loss,
              double accuracy = std::numeric_limits<double>::quiet_NaN()) {
    if (off()) return;
    last_update_ = now();
    batch_ = std::min(batch, batches_);
    score_ = {loss, accuracy};
    draw_if_due();
  }

  void end_epoch(const EpochSummary& summary) {
    if (off()) return;
    line_.clear();
    append_epoch();
    append_score("  ", summary.train, with_all);
    append_score("  validation ", summary.validation, with_all);
    append_rate(static_cast<double>(summary.samples), "samples/s");
    line_ += "  ";
    append_duration(summary.seconds);
    show(line_.size(), true);
  }

  /// Leaves a line that was drawn but not ended. The destructor does it too.
  void finish() {
    if (shown_columns_ == 0) return;
    shown_columns_ = 0;
    write("\n");
  }

 private:
  enum Part : unsigned {
    with_loss = 1,
    with_accuracy = 2,
    with_bar = 4,
    with_left = 8,
    with_rate = 16,
    with_batches = 32,
    with_all = 63
  };
  static constexpr std::size_t narrowest_bar = 10, widest_bar = 32;

  bool off() const { return options_.style == ProgressStyle::off; }

  double now() const {
    if (options_.clock) return options_.clock();
    const auto time = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(time).count();
  }

  void draw_if_due() {
    if (options_.style != ProgressStyle::bar) return;
    if (last_update_ - last_draw_ < options_.redraw_seconds) return;
    last_draw_ = last_update_;
    draw();
  }

  /// The bar takes what the text leaves; on a narrow terminal parts of the text are left out.
  void draw() {
    const std::size_t columns =
        options_.columns != 0 ? options_.columns : terminal_columns(options_.file);
    const std::size_t width = columns > 1 ? columns - 1 : 1;  // a full line would wrap
    unsigned parts = with_all;
    for (const unsigned dropped :
         {0u, +with_batches, +with_rate, +with_left, +with_bar, +with_accuracy, +with_loss}) {
      parts &= ~dropped;
      compose(parts, 0);
      if (line_.size() + ((parts & with_bar) ? narrowest_bar + 1 : 0) <= width) break;
    }
    const std::size_t text = std::min(line_.size(), width);
    line_.resize(text);
    if ((parts & with_bar) == 0) return show(text, false);
    const std::size_t bar_columns = std::min(width - text - 1, widest_bar);
    compose(parts, bar_columns);
    show(text + 1 + bar_columns, false);
  }

  /// Fills line_. A bar of 0 columns is left out, the space before it too.
  void compose(unsigned parts, std::size_t bar_columns) {
    line_.clear();
    append_epoch();
    if (bar_columns != 0) append_bar(bar_columns);
    if (parts & with_batches) append_fraction(batch_, batches_);
    append_score("  ", score_, parts);
    const double done = static_cast<double>(batch_) / static_cast<double>(batches_);
    if (parts & with_rate) {
      if (samples_ != 0) append_rate(done * static_cast<double>(samples_), "samples/s");
      else append_rate(static_cast<double>(batch_), "batches/s");
    }
    const double epochs_done = static_cast<double>(epoch_ - first_epoch_) + done;
    if ((parts & with_left) && epochs_done > 0) {
      const double all = static_cast<double>(epochs_ - first_epoch_ + 1);
      line_ += "  ";
      append_time((last_update_ - start_) / epochs_done * (all - epochs_done));
      line_ += " left";
    }
  }

  template <class... Values> void append(const char* format, Values... values) {
    char text[64];
    const int length = std::snprintf(text, sizeof text, format, values...);
    if (length > 0) line_.append(text, std::min<std::size_t>(sizeof text - 1, unsigned(length)));
  }

  /// "  7/120", in as many columns as the last, "120/120", will take.
  void append_fraction(std::size_t count, std::size_t total) {
    const int digits = std::snprintf(nullptr, 0, "%zu", total);
    append("  %*zu/%zu", digits, count, total);
  }

  void append_epoch() {
    line_ += "epoch";
    append_fraction(epoch_, epochs_);
    line_.erase(5, 1);
  }

  void append_bar(std::size_t columns) {
    line_ += ' ';
    const std::size_t inner = unicode_ ? columns : columns - 2;
    const std::size_t halves = 2 * inner * batch_ / batches_;
    if (!unicode_) line_ += '[';
    for (std::size_t i = 0; i < inner; ++i) {
      const std::size_t filled = std::min<std::size_t>(halves - std::min(halves, 2 * i), 2);
      if (unicode_) line_ += filled == 2 ? "\u2501" : filled == 1 ? "\u2578" : "\u2500";
      else line_ += filled == 2 ? '=' : filled == 1 ? '-' : ' ';
    }
    if (!unicode_) line_ += ']';
  }

  void append_score(const char* start, const Score& score, unsigned parts) {
    if ((parts & with_loss) && !std::isnan(score.loss)) {
      const double size = std::abs(score.loss);
      line_ += start;
      append(size == 0 || (size >= 1e-3 && size < 1e4) ? "loss %.4f" : "loss %.3e", score.loss);
      start = "  ";
    }
    if ((parts & with_accuracy) && !std::isnan(score.accuracy)) {
      line_ += start;
      append("accuracy %.2f %%", 100 * score.accuracy);
    }
  }

  /// What was done from the start of the epoch to its last batch, validation apart.
  void append_rate(double count, const char* unit) {
    const double seconds = last_update_ - epoch_start_;
    if (count <= 0 || seconds <= 0) return;
    const double rate = count / seconds;
    if (rate < 10) append("  %.1f %s", rate, unit);
    else if (rate < 1e4) append("  %.0f %s", rate, unit);
    else if (rate < 1e7) append("  %.0fk %s", rate / 1e3, unit);
    else append("  %.0fM %s", rate / 1e6, unit);
  }

  /// 2.5 s, from a minute on 1:02
  void append_duration(double seconds) {
    if (seconds < 60) append("%.1f s", seconds);
    else append_time(seconds);
  }
  void append_time(double seconds) {
    const auto s = static_cast<unsigned long>(std::ceil(std::clamp(seconds, 0.0, 3.6e6)));
    if (s < 3600) append("%lu:%02lu", s / 60, s % 60);
    else append("%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
  }

  /// Line_ in the place of what was drawn before: in one piece, blanks over the rest of the old
  /// line instead of clearing it first, so that nothing flickers.
  void show(std::size_t columns, bool ends) {
    output_.clear();
    if (options_.style == ProgressStyle::bar) output_ += '\r';
    output_ += line_;
    if (shown_columns_ > columns) output_.append(shown_columns_ - columns, ' ');
    if (ends) output_ += '\n';
    shown_columns_ = ends ? 0 : columns;
    write(output_);
  }

  void write(std::string_view text) {
    if (options_.stream != nullptr) {
      options_.stream->write(text.data(), static_cast<std::streamsize>(text.size())).flush();
    } else {
      std::fwrite(text.data(), 1, text.size(), options_.file);
      std::fflush(options_.file);
    }
  }

  ProgressOptions options_;
  bool unicode_ = false;
  std::size_t epoch_ = 0, epochs_ = 0, first_epoch_ = 0;
  std::size_t batch_ = 0, batches_ = 1, samples_ = 0;
  Score score_{};
  double start_ = 0, epoch_start_ = 0, last_update_ = 0;  // seconds
  double last_draw_ = -std::numeric_limits<double>::infinity();
  std::size_t shown_columns_ = 0;  // of an unfinished line on the terminal
  std::string line_, output_;
};

}  // namespace etch
