// SPDX-License-Identifier: BSL-1.0
// From a CSV file to a C++ header with trained weights:  digits_train digits.csv weights.hpp [seed]

#include <etch/io/header.hpp>
#include <etch/train.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "digits.hpp"

namespace {

[[noreturn]] void stop(const etch::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  std::exit(EXIT_FAILURE);
}

/// What the trained network says about each image, for the other program to compare with.
std::vector<float> logits_of(const etch::Parameters<Digits>& parameters,
                             const etch::Dataset& data) {
  const auto model = std::make_unique<etch::Model<Digits>>(parameters);
  std::vector<float> logits;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto y = (*model)(std::span<const float, 64>(data.input(i)));
    logits.insert(logits.end(), y.begin(), y.end());
  }
  return logits;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s digits.csv weights.hpp [seed]\n", argv[0]);
    return EXIT_FAILURE;
  }
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;

  const auto digits = etch::read_csv(argv[1], {.features = 64, .classes = 10});
  if (!digits) stop(digits.error());
  const auto parts = etch::split(*digits, digits_fractions, seed);
  if (!parts) stop(parts.error());
  const etch::Scaler scaler = etch::fit_standard(parts->train);
  const etch::Dataset train = scaler.apply(parts->train);
  const etch::Dataset validation = scaler.apply(parts->validation);
  const etch::Dataset test = scaler.apply(parts->test);

  std::fputs(etch::summary<Digits>().c_str(), stdout);
  etch::Trainer<Digits, etch::CrossEntropy, etch::Adam, etch::Batch<32>> trainer(
      {.epochs = 20, .seed = seed, .optimizer = {.weight_decay = 1e-4f}});
  for (const float lr : {1e-3f, 1e-4f}) {  // smaller steps in the end, lest Adam overshoots
    trainer.optimizer().lr = lr;
    const auto history = trainer.fit(train, validation);
    if (!history) stop(history.error());
  }

  for (const auto& [name, data] : {std::pair{"validation", &validation}, {"test", &test}}) {
    const etch::Score score = trainer.evaluate(*data);
    std::printf("%-10s  loss %.4f  accuracy %.2f %%  (%zu images)\n", name, score.loss,
                100 * score.accuracy, data->size());
  }

  const std::vector<float> logits = logits_of(trainer.parameters(), test);
  const float used_seed = static_cast<float>(seed);
  const auto written = etch::write_header(trainer.parameters(), argv[2],
                                          {.name_space = "digits",
                                           .extra = {{"mean", scaler.mean},
                                                     {"scale", scaler.scale},
                                                     {"seed", {&used_seed, 1}},
                                                     {"test_logits", logits}}});
  if (!written) stop(written.error());
  std::printf("wrote %s\n", argv[2]);
  return EXIT_SUCCESS;
}
