// SPDX-License-Identifier: BSL-1.0
// A dynamic twin of etch's networks: layers behind one virtual call each, shapes known at run time
// only. Register tiles are cut as etch cuts them, their sizes are template arguments picked from a
// table when a layer runs, and the loops around them count to run-time bounds. What differs from
// etch is thus the generation in the compiler, and nothing else.

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "../engine.hpp"
#include "etch/kernels/matmul_plan.hpp"
#include "virtual_tiles.hpp"

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {
namespace {

using kernels::detail::tile_cost;
using kernels::detail::vectors_of;

struct FreeAligned {
  void operator()(float* p) const { ::operator delete[](p, std::align_val_t{64}); }
};
using Buffer = std::unique_ptr<float[], FreeAligned>;

Buffer zeros(std::size_t n) { return Buffer(new (std::align_val_t{64}) float[n]()); }

class Forward {
 public:
  virtual ~Forward() = default;
  virtual void forward(const float* x, float* y, std::size_t batch) = 0;
};

class DenseLayer final : public Forward {
 public:
  /// For batches of at most `batch`; the rows of x and y lie their pitch apart.
  DenseLayer(const Layer& layer, std::size_t batch, std::size_t x_pitch, std::size_t y_pitch)
      : in_(layer.in), x_pitch_(x_pitch), y_pitch_(y_pitch), activation_(layer.activation) {
    const std::size_t all = vectors_of(layer.out), padded = all * lanes;
    weight_ = zeros(in_ * padded);
    bias_ = zeros(padded);
    std::ranges::copy(layer.bias, bias_.get());
    const std::size_t most = kernels::detail::tile_budget / std::min(batch, most_samples);
    const auto parts = etch::detail::even_parts(all, std::min(most, most_vectors));
    for (std::size_t first = 0; first < padded;) {
      const std::size_t vectors = parts.high - (panels_.size() < parts.high_count ? 0 : 1);
      const std::size_t pitch = vectors * lanes, next = first + pitch;
      for (std::size_t o = first; o < std::min(next, layer.out); ++o) {
        float* to = weight_.get() + first * in_ + (o - first);
        for (std::size_t k = 0; k < in_; ++k) to[k * pitch] = layer.weight[o * in_ + k];
      }
      panels_.push_back({first, vectors, next <= y_pitch ? lanes : layer.out + lanes - next});
      first = next;
    }
  }

  void forward(const float* x, float* y, std::size_t batch) override {
    for (const auto& [first, vectors, tail] : panels_) {
      Tile tile{x, weight_.get() + first * in_, bias_.get() + first, y + first, in_, x_pitch_,
                y_pitch_, tail, activation_, nullptr, 0};
      std::size_t left = batch;
      for (std::size_t n = (batch + most_samples - 1) / most_samples; n > 0; --n) {
        const std::size_t rows = n == 1 ? left : (left + n - 1) / n;
        run_tile<false>(rows, vectors, tile);
        tile.a += rows * x_pitch_;
        tile.y += rows * y_pitch_;
        left -= rows;
      }
    }
  }

 private:
  struct Panel {
    std::size_t first, vectors, tail;
  };
  std::size_t in_, x_pitch_, y_pitch_;
  Activation activation_;
  Buffer weight_, bias_;  ///< by panel: [in][vectors of outputs]
  std::vector<Panel> panels_;
};

class Conv2dLayer final : public Forward {
 public:
  Conv2dLayer(const Layer& l, std::size_t height, std::size_t width)
      : in_(l.in), out_(l.out), window_(l.window), height_(height), width_(width),
        out_width_(width - window_ + 1), pixels_((height - window_ + 1) * out_width_),
        activation_(l.activation), bias_(l.bias) {
    cut_pixels();
    choose_tile();
    const std::size_t taps = offset_.size();
    weight_.resize(out_ * taps);
    for (std::size_t o = 0; o < out_; ++o) {
      const std::size_t first = o - o % rows_, rows = std::min(rows_, out_ - first);
      float* to = weight_.data() + first * taps + o % rows_;
      for (std::size_t i = 0; i < taps; ++i) to[i * rows] = l.weight[o * taps + i];
    }
  }

  void forward(const float* x, float* y, std::size_t batch) override {
    for (std::size_t sample = 0; sample < batch; ++sample) {
      if (packed_) pack(x);
      for (std::size_t run = 0; run < runs_; ++run) {
        correlate((packed_ ? packed_.get() : x) + run * width_, y + run * vectors_ * lanes);
      }
      x += in_ * height_ * width_;
      y += out_ * pixels_;
    }
  }

 private:
  /// Rows of whole vectors are read where they lie. Else every tap column gets its own copy of x,
  /// with rows as wide as the output, so that the whole image is one run of pixels.
  void cut_pixels() {
    const bool by_row = out_width_ % lanes == 0, row_is_vector = by_row && out_width_ == lanes;
    const std::size_t row = by_row ? width_ : out_width_, plane = height_ * row;
    const std::size_t column = by_row ? 1 : plane, channel = by_row ? plane : window_ * plane;
    for (std::size_t i = 0; i < in_ * window_ * window_; ++i) {
      const std::size_t tap_row = i / window_ % window_;
      offset_.push_back(i / window_ / window_ * channel + tap_row * row + i % window_ * column);
    }
    runs_ = by_row && !row_is_vector ? pixels_ / out_width_ : 1;
    vectors_ = vectors_of(pixels_ / runs_);
    step_ = row_is_vector ? width_ : lanes;
    if (!by_row) packed_ = zeros(in_ * channel + lanes);
  }

  std::size_t cost(std::size_t rows, std::size_t vectors) const {
    const auto column = [&](std::size_t n) {
      return out_ / rows * tile_cost(rows, n) + tile_cost(out_ % rows, n);
    };
    return vectors_ / vectors * column(vectors) + column(vectors_ % vectors);
  }

  void choose_tile() {
    for (std::size_t n = 1; n <= std::min(most_pixels, vectors_); ++n) {
      for (std::size_t m = 1; m <= std::min(most_rows, out_) && fits_conv(m, n); ++m) {
        if (cost(m, n) < cost(rows_, columns_)) rows_ = m, columns_ = n;
      }
    }
  }

  void pack(const float* x) {
    const Tag d;
    const std::size_t rest = out_width_ % lanes, whole = out_width_ - rest;
    float* to = packed_.get();
    for (std::size_t i = 0; i < in_ * window_; ++i) {
      const float* row = x + i / window_ * height_ * width_ + i % window_;
      for (std::size_t r = 0; r < height_; ++r, row += width_, to += out_width_) {
        for (std::size_t j = 0; j < whole; j += lanes) hn::StoreU(hn::LoadU(d, row + j), d, to + j);
        // The zeros behind the row give way to the next one.
        hn::StoreU(kernels::load_n(d, row + whole, rest), d, to + whole);
      }
    }
  }

  void correlate(const float* x, float* y) {
    const std::size_t taps = offset_.size(), tail = (pixels_ - 1) % lanes + 1;
    for (std::size_t v = 0; v < vectors_; v += columns_) {
      const std::size_t vectors = std::min(columns_, vectors_ - v);
      for (std::size_t o = 0; o < out_; o += rows_) {
        run_tile<true>(std::min(rows_, out_ - o), vectors,
                       {weight_.data() + o * taps, x + v * step_, bias_.data() + o,
                        y + o * pixels_ + v * lanes, taps, 0, pixels_,
                        v + vectors == vectors_ ? tail : lanes, activation_, offset_.data(),
                        step_});
      }
    }
  }

  std::size_t in_, out_, window_, height_, width_, out_width_, pixels_;
  Activation activation_;
  Floats bias_, weight_;             ///< weight by tile: [taps][rows]
  std::vector<std::size_t> offset_;  ///< of each tap
  std::size_t runs_ = 1, vectors_ = 1, step_ = lanes;  ///< runs of pixels, vectors in one
  std::size_t rows_ = 1, columns_ = 1;                 ///< of a tile
  Buffer packed_;  ///< [channels, tap columns, height, out_width], if x is copied
};

/// Windows of two by two, `most` or more of them in a row.
template <std::size_t most> class PoolLayer final : public Forward {
 public:
  PoolLayer(std::size_t channels, std::size_t height, std::size_t width)
      : channels_(channels), height_(height), width_(width) {}

  void forward(const float* x, float* y, std::size_t batch) override {
    const std::size_t out = width_ / 2;
    for (std::size_t plane = 0; plane < batch * channels_; ++plane, x += height_ * width_) {
      for (std::size_t r = 0; r + 2 <= height_; r += 2, y += out) {
        const float* row = x + r * width_;
        // The last vector of a row overlaps the one before.
        for (std::size_t i = 0; i + step <= out; i += step) pool(row, i, y);
        if (out % step != 0) pool(row, out - step, y);
      }
    }
  }

 private:
  using D = hn::CappedTag<float, most>;
  static constexpr std::size_t step = hn::MaxLanes(D{});

  void pool(const float* row, std::size_t i, float* y) const {
    const D d;
    const float *x = row + 2 * i, *below = x + width_;
    const auto low = hn::Max(hn::LoadU(d, x), hn::LoadU(d, below));
    const auto high = hn::Max(hn::LoadU(d, x + step), hn::LoadU(d, below + step));
    if constexpr (step == 1) {
      hn::StoreU(hn::Max(low, high), d, y + i);
    } else {
      hn::StoreU(hn::Max(ConcatEven(d, high, low), ConcatOdd(d, high, low)), d, y + i);
    }
  }

  std::size_t channels_, height_, width_;
};

std::unique_ptr<Forward> make_pool(std::size_t channels, std::size_t height, std::size_t width) {
  if (width >= 32) return std::make_unique<PoolLayer<16>>(channels, height, width);
  if (width >= 16) return std::make_unique<PoolLayer<8>>(channels, height, width);
  if (width >= 8) return std::make_unique<PoolLayer<4>>(channels, height, width);
  return std::make_unique<PoolLayer<1>>(channels, height, width);
}

class Virtual {
 public:
  explicit Virtual(const Workload& w) : x_(w.x.data()), batch_(w.batch), y_(batch_ * w.outputs) {
    std::size_t channels = w.channels, height = w.height, width = w.width, pitch = w.inputs();
    for (const Layer& layer : w.layers) {
      std::unique_ptr<Forward> made;
      if (layer.kind == Kind::linear) {
        const bool last = &layer == &w.layers.back();
        const std::size_t out = last ? layer.out : vectors_of(layer.out) * lanes;
        made = std::make_unique<DenseLayer>(layer, batch_, pitch, out);
        pitch = out;
      } else {
        if (layer.kind == Kind::conv2d) {
          made = std::make_unique<Conv2dLayer>(layer, height, width);
          channels = layer.out, height -= layer.window - 1, width -= layer.window - 1;
        } else {
          made = make_pool(channels, height, width);
          height /= 2, width /= 2;
        }
        pitch = channels * height * width;
      }
      steps_.push_back({std::move(made), zeros(batch_ * pitch)});
    }
  }

  void run() {
    const float* x = x_;
    for (const auto& [layer, y] : steps_) {
      float* to = &layer == &steps_.back().layer ? y_.data() : y.get();
      layer->forward(x, to, batch_);
      x = to;
    }
  }
  std::span<const float> output() const { return y_; }

 private:
  struct Step {
    std::unique_ptr<Forward> layer;
    Buffer y;
  };
  const float* x_;
  std::size_t batch_;
  Floats y_;
  std::vector<Step> steps_;
};

}  // namespace
}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

namespace bench {

std::unique_ptr<Job> virtual_network(const Workload& w) {
  const auto has_code = [](const Layer& layer) {
    return layer.kind != Kind::max_pool2d || layer.window == 2;
  };
  if (w.loss != Loss::none || !w.is_chain()) return nullptr;
  if (!std::ranges::all_of(w.layers, has_code)) return nullptr;
  return std::make_unique<JobOf<HWY_NAMESPACE::Virtual>>(w);
}

}  // namespace bench
