// SPDX-License-Identifier: BSL-1.0
#include "etch/train/progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

#include "catch.hpp"

namespace {

using etch::Progress;
using etch::ProgressOptions;
using etch::ProgressStyle;

/// A terminal of the given width, and a clock that stands still unless it is moved.
struct Screen {
  std::ostringstream out;
  double seconds = 100;

  ProgressOptions options(ProgressStyle style, std::size_t columns = 120, bool unicode = false) {
    return {.style = style,
            .stream = &out,
            .columns = columns,
            .unicode = unicode,
            .clock = [this] { return seconds; }};
  }

  /// What was written since the last call.
  std::string text() {
    std::string result = out.str();
    out.str("");
    return result;
  }
};

const etch::EpochSummary summary{
    .train = {0.25, 0.9}, .validation = {0.5, 0.875}, .samples = 1000, .seconds = 2.5};

}  // namespace

TEST_CASE("plain lines come once an epoch") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::lines));
  progress.begin_epoch(3, 20, 10);
  screen.seconds += 2;
  for (std::size_t i = 1; i <= 10; ++i) progress.update(i, 0.3, 0.8);
  CHECK(screen.text().empty());
  screen.seconds += 0.5;  // validation does not count in the rate
  progress.end_epoch(summary);
  CHECK(screen.text() ==
        "epoch  3/20  loss 0.2500  accuracy 90.00 %  validation loss 0.5000  accuracy 87.50 %"
        "  500 samples/s  2.5 s\n");
  progress.finish();
  CHECK(screen.text().empty());
}

TEST_CASE("what was not measured is not shown") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::lines));
  progress.begin_epoch(1, 1, 1);
  progress.end_epoch({.train = {.loss = 1e-5}, .samples = 10, .seconds = 75});
  CHECK(screen.text() == "epoch 1/1  loss 1.000e-05  1:15\n");
  progress.begin_epoch(1, 1, 1);
  progress.end_epoch({.train = {.loss = 123456}, .validation = {.accuracy = 1}});
  CHECK(screen.text() == "epoch 1/1  loss 1.235e+05  validation accuracy 100.00 %  0.0 s\n");
}

TEST_CASE("a bar shows how far the epoch is, the rate and the time left for all epochs") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::bar));
  progress.begin_epoch(1, 10, 40, 4000);
  CHECK(screen.text() == "\repoch  1/10 [                              ]   0/40");
  screen.seconds += 2;
  progress.update(10, 2.3, 0.125);
  CHECK(screen.text() == "\repoch  1/10 [=======-                      ]  10/40  loss 2.3000"
                         "  accuracy 12.50 %  500 samples/s  1:18 left");
  screen.seconds += 400;
  progress.update(40, 2, 0.125);
  CHECK(screen.text() == "\repoch  1/10 [==============================]  40/40  loss 2.0000"
                         "  accuracy 12.50 %  10.0 samples/s  1:00:18 left");
}

TEST_CASE("a bar gives batches a second where the number of samples is unknown") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::bar, 80));
  progress.begin_epoch(1, 1, 100);
  screen.text();
  screen.seconds += 0.125;
  progress.update(25, 1);
  CHECK(screen.text() == "\repoch 1/1 [====-              ]   25/100  loss 1.0000"
                         "  200 batches/s  0:01 left");
}

TEST_CASE("the summary replaces the bar and leaves no rest of it") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::bar, 80));
  progress.begin_epoch(1, 2, 4);
  const std::size_t drawn = screen.text().size() - 1;
  progress.end_epoch({.train = {.loss = 1}, .seconds = 1});
  const std::string line = "epoch 1/2  loss 1.0000  1.0 s";
  CHECK(screen.text() == "\r" + line + std::string(drawn - line.size(), ' ') + "\n");
}

TEST_CASE("time left counts from the epoch that the training started with") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::bar));
  progress.begin_epoch(9, 10, 2, 10);
  screen.seconds += 5;
  progress.update(2, 1);
  CHECK(screen.text().ends_with("0:05 left"));
}

TEST_CASE("a bar is redrawn at most ten times a second") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::bar));
  std::size_t drawings = 0;
  for (std::size_t epoch = 1; epoch <= 4; ++epoch) {
    progress.begin_epoch(epoch, 4, 1000);
    for (std::size_t i = 1; i <= 1000; ++i) {
      screen.seconds += 0.0005;
      progress.update(i, 1, 0.5);
    }
  }
  for (const char c : screen.text()) drawings += c == '\r';
  CHECK(drawings >= 18);
  CHECK(drawings <= 21);
}

TEST_CASE("a line never fills its terminal, and the more it has the more it shows") {
  std::size_t before = 0;
  for (std::size_t columns = 1; columns <= 130; ++columns) {
    Screen screen;
    Progress progress(screen.options(ProgressStyle::bar, columns));
    progress.begin_epoch(10, 20, 40, 4000);
    screen.text();
    screen.seconds += 1;
    progress.update(20, 0.5, 0.5);
    const std::string text = screen.text();
    CAPTURE(columns, text);
    CHECK(text.starts_with('\r'));
    CHECK(text.size() - 1 <= std::max<std::size_t>(columns - 1, 1));
    if (columns >= 12) CHECK(text.starts_with("\repoch 10/20"));
    before = text.size();
  }
  CHECK(before > 100);
}

TEST_CASE("a narrow terminal keeps loss and bar longest") {
  const auto at = [](std::size_t columns) {
    Screen screen;
    Progress progress(screen.options(ProgressStyle::bar, columns));
    progress.begin_epoch(1, 2, 4, 400);
    screen.text();
    screen.seconds += 1;
    progress.update(2, 0.5, 0.5);
    const std::string text = screen.text();
    return text.substr(1, text.find_last_not_of(' '));
  };
  CHECK(at(80) ==
        "epoch 1/2 [=====     ]  loss 0.5000  accuracy 50.00 %  200 samples/s  0:03 left");
  CHECK(at(70) == "epoch 1/2 [=======-       ]  loss 0.5000  accuracy 50.00 %  0:03 left");
  CHECK(at(60) == "epoch 1/2 [========        ]  loss 0.5000  accuracy 50.00 %");
  CHECK(at(42) == "epoch 1/2  loss 0.5000  accuracy 50.00 %");
  CHECK(at(30) == "epoch 1/2  loss 0.5000");
  CHECK(at(12) == "epoch 1/2");
}

TEST_CASE("the bar is drawn in Unicode where the terminal can") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::bar, 34, true));
  progress.begin_epoch(1, 2, 4);
  screen.text();
  screen.seconds += 1;
  progress.update(3, 0.5);
  CHECK(screen.text() ==
        "\repoch 1/2 \u2501\u2501\u2501\u2501\u2501\u2501\u2501\u2578\u2500\u2500  loss 0.5000");
}

TEST_CASE("a training that stops within an epoch leaves the cursor on a new line, once") {
  Screen screen;
  {
    Progress progress(screen.options(ProgressStyle::bar));
    progress.begin_epoch(1, 2, 4);
    screen.text();
    progress.finish();
    CHECK(screen.text() == "\n");
    progress.finish();
    CHECK(screen.text().empty());
    screen.seconds += 1;
    progress.update(1, 1);
    screen.text();
  }
  CHECK(screen.text() == "\n");
}

TEST_CASE("switched off, nothing is written and the clock is not asked") {
  Screen screen;
  auto options = screen.options(ProgressStyle::off);
  options.clock = []() -> double { throw 1; };
  Progress progress(options);
  progress.begin_epoch(1, 2, 4);
  progress.update(1, 1, 1);
  progress.end_epoch(summary);
  progress.finish();
  CHECK(screen.text().empty());
}

TEST_CASE("a file gets plain lines without being asked") {
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  CHECK_FALSE(etch::is_terminal(file));
  {
    Progress progress({.file = file});
    progress.begin_epoch(1, 1, 1);
    progress.update(1, 0.5, 0.5);
    progress.end_epoch({.train = {.loss = 1}, .seconds = 1});
  }
  std::rewind(file);
  char text[100] = {};
  CHECK(std::string_view(text, std::fread(text, 1, sizeof text, file)) ==
        "epoch 1/1  loss 1.0000  1.0 s\n");
  std::fclose(file);
}

TEST_CASE("absurd numbers do no harm") {
  Screen screen;
  Progress progress(screen.options(ProgressStyle::bar));
  const double infinity = std::numeric_limits<double>::infinity();
  progress.update(5, infinity, 1e300);
  progress.begin_epoch(7, 3, 0);
  screen.seconds += 1e12;
  progress.update(9, -infinity, std::nan(""));
  CHECK(screen.text().find("loss -inf") != std::string::npos);
  screen.seconds -= 2e12;
  progress.begin_epoch(8, 8, 1);
  progress.end_epoch({});
}
