// SPDX-License-Identifier: BSL-1.0
// A network step by step against the same network on its whole sequence.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "etch/network/model.hpp"
#include "etch/network/stream.hpp"
#include "oracle.hpp"

namespace stream_check {

using namespace etch;

/// One step of a sequence.
template <class T> using Row = std::vector<T>;
template <class T> using Rows = std::vector<Row<T>>;

/// A tensor with time along an axis, step by step, and back.
template <class T> Rows<T> rows_of(const std::vector<T>& x, const Dims& shape, std::size_t axis) {
  std::size_t behind = 1;
  for (std::size_t k = axis + 1; k < shape.rank; ++k) behind *= shape[k];
  Rows<T> rows(shape[axis]);
  for (std::size_t i = 0; i < x.size(); ++i) rows[i / behind % rows.size()].push_back(x[i]);
  return rows;
}
inline std::vector<float> joined(std::span<const Row<float>> rows, const Dims& shape,
                                 std::size_t axis) {
  std::size_t behind = 1;
  for (std::size_t k = axis + 1; k < shape.rank; ++k) behind *= shape[k];
  std::vector<float> x(rows.size() * rows[0].size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t before = i / behind / rows.size();
    x[i] = rows[i / behind % rows.size()][before * behind + i % behind];
  }
  return x;
}

template <class Net> const Parameters<Net>& drawn() {
  static const auto parameters = [] {
    auto p = std::make_unique<Parameters<Net>>();
    initialize(*p, 3);
    return p;
  }();
  return *parameters;
}

/// A stream of n steps a call with memory that is poison wherever it may be.
template <class Net, std::size_t n> class Stream {
 public:
  static constexpr std::size_t in_axis = detail::time_axis<Net, n>;
  static constexpr std::size_t out_axis = detail::StreamOf<Net, n>::facts.axis;

  explicit Stream(const Parameters<Net>& parameters) : parameters_(parameters) {
    std::ranges::fill(state->data, std::numeric_limits<float>::quiet_NaN());
    state->steps = 12345;
    state->reset();
  }

  Rows<float> operator()(const Rows<float>& x) {
    constexpr std::size_t inputs = StreamingModel<Net, n>::inputs;
    constexpr std::size_t outputs = StreamingModel<Net, n>::outputs;
    Rows<float> y;
    for (std::size_t t = 0; t + n <= x.size(); t += n) {
      std::ranges::fill(workspace_->data, std::numeric_limits<float>::quiet_NaN());
      const auto in = joined(std::span(x).subspan(t, n), InputShape<Net>::dims, in_axis);
      std::vector<float> out(outputs + 1, -77.f);
      step<Net, n>(parameters_, *state, *workspace_, std::span<const float, inputs>(in),
                   std::span<float, outputs>(out.data(), outputs));
      if (out.back() != -77) return {};
      out.pop_back();
      Dims shape = OutputShape<Net>::dims;
      shape.extent[out_axis] = n;
      for (const auto& row : rows_of(out, shape, out_axis)) y.push_back(row);
    }
    return y;
  }

  std::unique_ptr<State<Net, n>> state = std::make_unique<State<Net, n>>();

 private:
  const Parameters<Net>& parameters_;
  std::unique_ptr<StreamWorkspace<Net, n>> workspace_ =
      std::make_unique<StreamWorkspace<Net, n>>();
};

template <class Net> Rows<float> random_rows(std::size_t axis, std::uint64_t seed) {
  auto x = oracle::random_floats(InputShape<Net>::size, seed, 2);
  if (InputShape<Net>::rank == 1) {  // indices of an embedding
    for (float& v : x) v = std::floor(v + 3);
  }
  return rows_of(x, InputShape<Net>::dims, axis);
}

/// The largest |a[t + late] - b[t]| / (1 + |b|) of all steps that both have: at least one.
template <class T>
double deviation(const Rows<float>& a, const Rows<T>& b, std::size_t late) {
  double worst = a.size() > late && !b.empty() ? 0 : INFINITY;
  for (std::size_t t = 0; t + late < a.size() && t < b.size(); ++t) {
    const oracle::Numbers want(b[t].begin(), b[t].end());
    worst = std::max(worst, oracle::deviation(a[t + late], want));
  }
  return worst;
}

inline bool same_bits(const Rows<float>& a, const Rows<float>& b) {
  const auto bits = [](float v) { return std::bit_cast<std::uint32_t>(v); };
  return a.size() == b.size() && std::ranges::equal(a, b, [&](const auto& r, const auto& s) {
           return std::ranges::equal(r, s, {}, bits, bits);
         });
}

struct Deviation {
  double from_formula;    ///< in double
  double from_inference;
  bool same_bits;         ///< of inference and stream
  bool again;             ///< the same after a reset, and from a StreamingModel
};

/// n steps a call along a sequence as long as that of `Whole`, which else is the same network.
template <class Net, std::size_t n = 1, class Whole = Net> Deviation compare() {
  using S = Stream<Net, n>;
  const Parameters<Whole>& parameters = drawn<Whole>();
  const auto x = random_rows<Whole>(S::in_axis, 4);
  const auto flat = joined(x, InputShape<Whole>::dims, S::in_axis);
  S stream(drawn<Net>());
  const auto y = stream(x);

  constexpr std::size_t inputs = InputShape<Whole>::size, outputs = OutputShape<Whole>::size;
  std::vector<float> out(outputs);
  const auto workspace = std::make_unique<Workspace<Whole>>();
  infer<Whole, 1>(parameters, *workspace, std::span<const float, inputs>(flat),
                  std::span<float, outputs>(out));
  constexpr Dims shape = OutputShape<Whole>::dims;
  const auto inferred = rows_of(out, shape, S::out_axis);
  const auto formula = rows_of(oracle::outputs(parameters, flat, 1), shape, S::out_axis);

  stream.state->reset();
  bool again = same_bits(stream(x), y);
  const auto model = std::make_unique<StreamingModel<Net, n>>(drawn<Net>());
  for (int run = 0; run < 2; ++run) {
    Rows<float> z;
    for (std::size_t t = 0; t + n <= x.size(); t += n) {
      const auto in = joined(std::span(x).subspan(t, n), InputShape<Net>::dims, S::in_axis);
      const auto some = (*model)(std::span<const float, StreamingModel<Net, n>::inputs>(in));
      Dims part = shape;
      part.extent[S::out_axis] = n;
      for (const auto& row : rows_of(std::vector<float>(some.begin(), some.end()), part,
                                     S::out_axis)) {
        z.push_back(row);
      }
    }
    again = again && same_bits(y, z);
    model->reset();
  }
  return {deviation(y, formula, latency<Net>), deviation(y, inferred, latency<Net>),
          same_bits(y, inferred), again};
}

}  // namespace stream_check
