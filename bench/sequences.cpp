// SPDX-License-Identifier: BSL-1.0
#include "sequences.hpp"

#include <etch/data/random.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace bench {

namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  Floats numbers(std::size_t n, float limit) {
    Floats v(n);
    for (float& f : v) f = random_.uniform(-limit, limit);
    return v;
  }

  Layer linear(std::string name, std::size_t in, std::size_t out) {
    const float limit = limit_of(in);
    return {.kind = Kind::linear,
            .name = std::move(name),
            .in = in,
            .out = out,
            .weight = numbers(out * in, limit),
            .bias = numbers(out, limit)};
  }

  Layer conv1d(std::string name, std::size_t in, std::size_t out, std::size_t window,
               std::size_t dilation, Activation activation) {
    const float limit = limit_of(in * window);
    return {.kind = Kind::conv1d,
            .name = std::move(name),
            .in = in,
            .out = out,
            .window = window,
            .dilation = dilation,
            .activation = activation,
            .weight = numbers(out * in * window, limit),
            .bias = numbers(out, limit)};
  }

  /// Of one layer of torch.nn.LSTM or GRU; all gates are in one matrix.
  Layer recurrent(Kind kind, std::string name, std::size_t in, std::size_t out) {
    const float limit = limit_of(out);
    const std::size_t rows = (kind == Kind::lstm ? 4 : 3) * out;
    Layer layer{.kind = kind, .name = std::move(name), .in = in, .out = out};
    layer.more.push_back({"weight_ih_l0", {rows, in}, numbers(rows * in, limit)});
    layer.more.push_back({"weight_hh_l0", {rows, out}, numbers(rows * out, limit)});
    layer.more.push_back({"bias_ih_l0", {rows}, numbers(rows, limit)});
    layer.more.push_back({"bias_hh_l0", {rows}, numbers(rows, limit)});
    return layer;
  }

  /// Ten layers, their dilations powers of two, in the order in which the samples go through them.
  Layer wavenet_array(std::string name, std::size_t in, std::size_t out, std::size_t head,
                      bool bias) {
    Layer layer{.kind = Kind::wavenet_array,
                .name = std::move(name),
                .in = in,
                .out = out,
                .window = 3,
                .stages = 10,
                .head = head};
    const auto add = [&](const std::string& path, std::size_t rows, std::size_t columns,
                         std::size_t window, bool with_bias) {
      const float limit = limit_of(columns * window);
      layer.more.push_back({path + ".weight", {rows, columns, window},
                            numbers(rows * columns * window, limit)});
      if (with_bias) layer.more.push_back({path + ".bias", {rows}, numbers(rows, limit)});
    };
    add("rechannel", out, in, 1, false);
    for (std::size_t i = 0; i < layer.stages; ++i) {
      const std::string path = "layers." + std::to_string(i);
      add(path + ".conv", out, out, layer.window, true);
      add(path + ".input_mixin", out, 1, 1, false);
      add(path + ".1x1", out, out, 1, true);
    }
    add("head_rechannel", head, out, 1, bias);
    return layer;
  }

 private:
  static float limit_of(std::size_t n) { return 1 / std::sqrt(static_cast<float>(n)); }

  etch::Random random_;
};

/// Samples in a stream of single ones: more than the longest memory there, 31, so that each tap of
/// it is checked.
constexpr std::size_t samples = 64;

Workload recurrent_step(Kind kind, std::size_t hidden) {
  Draw draw(hidden);
  const std::string cell = kind == Kind::lstm ? "lstm_" : "gru_";
  Workload w{.name = cell + std::to_string(hidden), .stream = samples, .outputs = 1};
  w.layers = {draw.recurrent(kind, "0", 1, hidden), draw.linear("1", hidden, 1)};
  w.x = draw.numbers(samples, 1);
  return w;
}

/// Four dilated convolutions, which see the last 31 samples, between two that see one.
Workload tcn() {
  Draw draw(4);
  Workload w{.name = "tcn", .stream = samples, .outputs = 1};
  w.layers.push_back(draw.conv1d("0", 1, 16, 1, 1, Activation::none));
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string name = std::to_string(1 + 2 * i);  // an activation has a position as well
    w.layers.push_back(draw.conv1d(name, 16, 16, 3, std::size_t{1} << i, Activation::tanh));
  }
  w.layers.push_back(draw.conv1d("9", 16, 1, 1, 1, Activation::none));
  w.x = draw.numbers(samples, 1);
  return w;
}

/// Blocks of 64 samples; 72 of them are more than the 4093 samples that the network hears.
Workload wavenet() {
  Draw draw(6);
  Workload w{.name = "wavenet", .stream = 72, .sequence = 64, .outputs = 64};
  w.layers = {draw.wavenet_array("0.0", 1, 16, 8, false),
              draw.wavenet_array("0.1", 16, 8, 1, true)};
  w.layers.back().scale = 0.02f;
  w.x = draw.numbers(w.stream * w.inputs(), 1);
  return w;
}

/// Sequences of 64 samples, and a target for each of them.
Workload train_lstm() {
  Draw draw(5);
  Workload w{.name = "train_lstm_32", .batch = 16, .sequence = 64, .outputs = 64};
  w.layers = {draw.recurrent(Kind::lstm, "0", 1, 32), draw.linear("1", 32, 1)};
  w.x = draw.numbers(w.batch * w.inputs(), 1);
  w.loss = Loss::mse;
  w.target = draw.numbers(w.batch * w.outputs, 1);
  return w;
}

}  // namespace

void add_sequences(std::vector<Workload>& all) {
  for (const Kind kind : {Kind::lstm, Kind::gru}) {
    for (std::size_t hidden = 16; hidden <= 64; hidden *= 2) {
      all.push_back(recurrent_step(kind, hidden));
    }
  }
  all.push_back(tcn());
  all.push_back(wavenet());
  all.push_back(train_lstm());
}

}  // namespace bench
