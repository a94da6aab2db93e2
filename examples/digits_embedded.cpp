// SPDX-License-Identifier: BSL-1.0
// The trained network inside of another program: the weights are constants of this one, and its
// compiler classifies a digit.
//   digits_embedded digits.csv

#include <etch/data/csv.hpp>
#include <etch/data/normalize.hpp>
#include <etch/io/embedded.hpp>
#include <etch/network/quantized.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "digits.hpp"
#include "digits_weights.hpp"

namespace {

constexpr etch::Parameters<Digits> parameters = etch::embedded_parameters<Digits>(digits::weights);

using Image = std::span<const float, 64>;

/// The images that training has not seen, normalised as the training images were.
etch::Result<etch::Dataset> test_images(const char* path) {
  const auto all = etch::read_csv(path, {.features = 64, .classes = 10});
  if (!all) return all.error();
  const auto parts =
      etch::split(*all, digits_fractions, static_cast<std::uint64_t>(digits::seed[0]));
  if (!parts) return parts.error();
  const etch::Scaler scaler{{digits::mean.begin(), digits::mean.end()},
                            {digits::scale.begin(), digits::scale.end()}};
  return scaler.apply(parts->test);
}

template <class Logits> constexpr std::size_t largest(const Logits& y) {
  return static_cast<std::size_t>(std::ranges::max_element(y) - y.begin());
}

/// What the network takes an image for, without kernels, hence in the compiler too.
constexpr std::size_t classify(const std::array<float, 64>& pixels) {
  std::array<float, 64> x{};
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = (pixels[i] - digits::mean[i]) / digits::scale[i];
  }
  return largest(etch::interpret(parameters, x));
}

/// Line 264 of digits.csv.
constexpr std::array<float, 64> seven = {0, 0, 6,  16, 16, 16, 16, 10,  //
                                         0, 0, 6,  10, 8,  14, 16, 3,   //
                                         0, 0, 0,  0,  4,  16, 8,  0,   //
                                         0, 0, 2,  10, 14, 15, 6,  0,   //
                                         0, 0, 6,  16, 16, 16, 7,  0,   //
                                         0, 0, 0,  15, 9,  0,  0,  0,   //
                                         0, 0, 6,  16, 6,  0,  0,  0,   //
                                         0, 0, 10, 13, 1,  0,  0,  0};

static_assert(classify(seven) == 7);  // the trained network has run before the program does

template <class Net> std::size_t count_right(etch::Model<Net>& model, const etch::Dataset& images) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    right += largest(model(Image(images.input(i)))) == images.label(i) ? 1 : 0;
  }
  return right;
}

/// The same network with smaller weights: false if it is less often right by more than 0.3 points.
template <class T> bool print_quantized(const char* name, const etch::Dataset& images,
                                        std::size_t right) {
  using Small = etch::Quantized<Digits, T>;
  static etch::Model<Small> model(etch::quantize<T>(parameters));
  const auto percent = [&](std::size_t n) {
    return 100.0 * static_cast<double>(n) / static_cast<double>(images.size());
  };
  const double found = percent(count_right(model, images));
  std::printf("%-14s test accuracy %.2f %%, %zu instead of %zu bytes of weights\n", name, found,
              sizeof(etch::Parameters<Small>), sizeof parameters);
  return percent(right) - found <= 0.3;
}

/// Runs `classify` on every image a number of times; prints median and 99.9 % of one call.
template <class Classify>
void print_latency(const char* name, const etch::Dataset& images, int rounds, Classify classify) {
  using clock = std::chrono::steady_clock;
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < images.size(); ++i) {
      const auto start = clock::now();
      classify(images.input(i));
      times.push_back(std::chrono::duration<double, std::micro>(clock::now() - start).count());
    }
  }
  std::ranges::sort(times);
  std::printf("%-14s median %8.2f us   99.9 %% %8.2f us   (%zu calls)\n", name,
              times[times.size() / 2], times[times.size() * 999 / 1000], times.size());
}

/// A few images side by side, darker where there is more ink.
void draw(const etch::Dataset& images, const std::vector<std::size_t>& answers, std::size_t count) {
  const char* const ink[] = {"  ", "..", "::", "++", "##"};
  for (std::size_t row = 0; row < 8; ++row) {
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t column = 0; column < 8; ++column) {
        const std::size_t pixel = row * 8 + column;
        const float grey = images.input(i)[pixel] * digits::scale[pixel] + digits::mean[pixel];
        std::fputs(ink[std::clamp(static_cast<int>(grey / 16 * 4.99f), 0, 4)], stdout);
      }
      std::fputs("  ", stdout);
    }
    std::puts("");
  }
  for (std::size_t i = 0; i < count; ++i) {
    std::printf("%zu (is %u)%10s", answers[i], images.label(i), "");
  }
  std::puts("");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s digits.csv\n", argv[0]);
    return EXIT_FAILURE;
  }
  const auto images = test_images(argv[1]);
  if (!images) {
    std::fprintf(stderr, "%s\n", images.error().message.c_str());
    return EXIT_FAILURE;
  }

  static etch::Model<Digits> model(parameters);
  std::size_t right = 0, differ = 0;
  std::vector<std::size_t> answers;
  for (std::size_t i = 0; i < images->size(); ++i) {
    const auto y = model(Image(images->input(i)));
    answers.push_back(largest(y));
    right += answers.back() == images->label(i) ? 1 : 0;
    for (std::size_t k = 0; k < y.size(); ++k) {
      const float trained = digits::test_logits[i * y.size() + k];
      if (std::bit_cast<std::uint32_t>(y[k]) != std::bit_cast<std::uint32_t>(trained)) ++differ;
    }
  }
  draw(*images, answers, 6);
  std::printf("test accuracy %.2f %%; of %zu logits %zu differ from those in training\n",
              100.0 * static_cast<double>(right) / static_cast<double>(images->size()),
              digits::test_logits.size(), differ);

  volatile float sink = 0;
  print_latency("generated", *images, 200, [&](auto x) { sink = model(Image(x))[0]; });
  etch::Interpreter<float> interpreter(etch::network_tape<Digits>());
  etch::set_parameters(interpreter, parameters);
  print_latency("interpreter", *images, 4, [&](auto x) {
    interpreter.set_input(0, x);
    interpreter.run();
    sink = interpreter.output(0)[0];
  });
  const bool bf16_good = print_quantized<etch::bf16>("bf16", *images, right);
  const bool int8_good = print_quantized<etch::int8>("int8", *images, right);
  return differ == 0 && bf16_good && int8_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
