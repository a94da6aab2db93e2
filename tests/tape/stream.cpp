// SPDX-License-Identifier: BSL-1.0
// The tape of a stream, n steps at a time by the interpreter, against that of the whole sequence.
#include "etch/tape/stream.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/attention.hpp"
#include "etch/layers/branches.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/embedding.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pad.hpp"
#include "etch/layers/piecewise.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/position.hpp"
#include "etch/layers/resize.hpp"
#include "etch/layers/shape.hpp"
#include "etch/layers/transformer.hpp"
#include "etch/tape/lower.hpp"
#include "gradient_check.hpp"

namespace {

using namespace etch;
using by_hand::Feed;
using by_hand::Numbers;

constexpr double poison = std::numeric_limits<double>::quiet_NaN();

/// The tapes that networks are made of.
template <class L, class S> constexpr Tape tape_of() {
  return with_vector_layout(tidied(lower<L, S>(), true));
}

/// x with time along an axis, as rows: one for each step.
std::vector<Numbers> rows_of(const Numbers& x, const Dims& shape, std::size_t axis) {
  std::size_t behind = 1;
  for (std::size_t k = axis + 1; k < shape.rank; ++k) behind *= shape[k];
  std::vector<Numbers> rows(shape[axis]);
  for (std::size_t i = 0; i < x.size(); ++i) rows[i / behind % shape[axis]].push_back(x[i]);
  return rows;
}

/// Runs a stream. What the tape appends to a window, and which rows it forgets, is done here.
class Running {
 public:
  Running(const Stream& stream, const std::vector<Numbers>& parameters)
      : stream_(stream), machine_(stream.tape) {
    for (std::size_t k = 0; k < parameters.size(); ++k) machine_.set_parameter(k, parameters[k]);
    for (const Window& w : stream.windows) windows_.emplace_back(w.rows * w.width, 0.0);
  }

  /// The new rows of a window are poison until they are written.
  Numbers step(const Numbers& x, std::size_t n) {
    machine_.set_input(StreamInput::of_steps, x);
    machine_.set_input(StreamInput::of_position, Numbers{static_cast<double>(position_)});
    for (std::size_t k = 0; k < windows_.size(); ++k) {
      const std::size_t fresh = n * stream_.windows[k].width;
      windows_[k].erase(windows_[k].begin(), windows_[k].begin() + static_cast<long>(
                            position_ == 0 ? 0 : fresh));
      windows_[k].resize(stream_.windows[k].rows * stream_.windows[k].width);
      std::fill(windows_[k].end() - static_cast<long>(fresh), windows_[k].end(), poison);
      machine_.set_input(StreamInput::first_window + k, windows_[k]);
    }
    machine_.run();
    for (const Instruction& i : stream_.tape.code) {
      if (i.op != Op::append) continue;
      const auto y = machine_.value(static_cast<int>(&i - stream_.tape.code.data()));
      const std::size_t k = stream_.tape[i.args[0]].attr.index - StreamInput::first_window;
      windows_[k].assign(y.begin(), y.end());
    }
    position_ += n;
    const auto y = machine_.output(0);
    return {y.begin(), y.end()};
  }

 private:
  const Stream& stream_;
  Interpreter<double> machine_;
  std::vector<Numbers> windows_;
  std::size_t position_ = 0;
};

/// The largest deviation of a stream from the whole sequence, which comes `late`, and before it
/// rows of `before`; infinity if something is missing.
double deviation(const Tape& tape, std::size_t axis, std::size_t n, std::size_t late,
                 double before) {
  const Stream stream = streamed(tape, axis, n, static_cast<long>(late));
  if (!stream.ok || stream.ahead < -static_cast<long>(late)) return INFINITY;
  const Feed feed = by_hand::feed_for(tape);
  const Dims in = tape[by_hand::all_leaves(tape)[0]].shape, out = tape[tape.outputs[0]].shape;
  auto x = rows_of(feed.inputs[0], in, axis);
  x.insert(x.begin(), late, Numbers(x[0].size(), before));
  const auto y = rows_of(by_hand::run(tape, feed)[0], out, stream.axis);
  Running running(stream, feed.parameters);
  std::vector<Numbers> got;
  for (std::size_t t = 0; t + n <= x.size(); t += n) {
    Numbers block;
    for (std::size_t k = 0; k < n; ++k) block.insert(block.end(), x[t + k].begin(), x[t + k].end());
    const Numbers rows = running.step(block, n);
    const auto width = static_cast<long>(rows.size() / n);
    for (auto row = rows.begin(); row != rows.end(); row += width) {
      got.emplace_back(row, row + width);
    }
  }
  got.erase(got.begin(), got.begin() + static_cast<long>(late) + stream.ahead);
  double worst = got.empty() ? INFINITY : 0;
  for (std::size_t t = 0; t < got.size() && t < y.size(); ++t) {
    if (got[t].size() != y[t].size()) return INFINITY;
    for (std::size_t j = 0; j < y[t].size(); ++j) {
      const double d = std::abs(got[t][j] - y[t][j]);
      if (std::isnan(d)) return INFINITY;
      worst = std::max(worst, d);
    }
  }
  return worst;
}

/// Step by step, by blocks, in one piece, and what comes late.
template <class L, class S>
void equals_the_whole(std::size_t axis, std::vector<std::size_t> blocks = {1, 2, 3, 4, 6},
                      double before = poison) {
  const Tape tape = tape_of<L, S>();
  for (const std::size_t n : blocks) {
    for (const std::size_t late : {0u, 2u}) {
      INFO("blocks of " << n << ", " << late << " steps late");
      CHECK(deviation(tape, axis, n, late, before) < 1e-12);
    }
  }
}

/// Whether y[t] depends on x[t - back] to x[t + ahead] and nothing else.
template <class L, class S> bool depends_as_stated(std::size_t axis, long back, long ahead) {
  const Tape tape = tape_of<L, S>();
  const Stream stream = streamed(tape, axis, 1);
  if (!stream.ok || stream.back != back || stream.ahead != ahead) return false;
  Feed feed = by_hand::feed_for(tape);
  const Dims in = tape[by_hand::all_leaves(tape)[0]].shape, out = tape[tape.outputs[0]].shape;
  const auto before = rows_of(by_hand::run(tape, feed)[0], out, stream.axis);
  const long changed = static_cast<long>(in[axis] / 2);
  std::size_t behind = 1;
  for (std::size_t k = axis + 1; k < in.rank; ++k) behind *= in[k];
  for (std::size_t i = 0; i < feed.inputs[0].size(); ++i) {
    if (static_cast<long>(i / behind % in[axis]) == changed) feed.inputs[0][i] += 1;
  }
  const auto after = rows_of(by_hand::run(tape, feed)[0], out, stream.axis);
  const long last = static_cast<long>(after.size()) - 1;
  long first_seen = last + 1, last_seen = -1;
  for (long t = 0; t <= last; ++t) {
    if (after[static_cast<std::size_t>(t)] == before[static_cast<std::size_t>(t)]) continue;
    first_seen = std::min(first_seen, t);
    last_seen = t;
  }
  return first_seen == changed - ahead && last_seen == std::min(changed + back, last);
}

template <class L, class S> bool streams_along(std::size_t axis, std::size_t n = 1) {
  return streamed(tape_of<L, S>(), axis, n).ok;
}

/// Not zero where its argument is.
struct Exponential {
  template <Expr X> static constexpr auto formula(X x) { return exp(x); }
};

template <Sides1d sides> using ZeroPad1d = ConstantPad1d<sides, 0.0>;
using Decoder = TransformerEncoderLayer<2, 8, Causal<>>;
using LateAttention =
    Sequential<Conv1d<4, 3, PaddingSame>, Permute<1, 0>, MultiheadAttention<2, Causal<>>>;

}  // namespace

TEST_CASE("streams of convolutions") {
  equals_the_whole<Conv1d<3, 3, Causal<>>, Shape<2, 12>>(1);
  equals_the_whole<Conv1d<3, 3, Causal<>, Dilation<2>, Bias<false>>, Shape<2, 12>>(1);
  equals_the_whole<Conv1d<3, 4>, Shape<2, 12>>(1, {1, 2, 3});
  equals_the_whole<Conv1d<3, 3, Padding<1>, Dilation<2>>, Shape<2, 12>>(1);
  equals_the_whole<Conv1d<3, 4, PaddingSame>, Shape<2, 12>>(1);
  equals_the_whole<Conv1d<4, 3, Causal<>, Groups<2>>, Shape<2, 12>>(1);
  equals_the_whole<Conv1d<4, 3, PaddingSame, Groups<4>>, Shape<4, 12>>(1);
  equals_the_whole<Conv1d<3, 1>, Shape<2, 12>>(1);
  equals_the_whole<Conv2d<3, Size2d{3, 2}, Padding<Size2d{1, 1}>>, Shape<2, 12, 4>>(1);
  equals_the_whole<Conv2d<2, Size2d{2, 3}, Groups<2>, Dilation<2>>, Shape<2, 6, 12>>(2, {1, 2, 4});
}

TEST_CASE("streams of layers one after the other, whose past is padded") {
  using Same = Conv1d<2, 3, PaddingSame>;
  equals_the_whole<Sequential<Same, Sigmoid, Same, Sigmoid, Same>, Shape<2, 12>>(1);
  equals_the_whole<Sequential<Conv1d<2, 3>, Sigmoid, Same, Exponential, Conv1d<2, 2>>,
                   Shape<2, 12>>(1, {1, 2, 4});
  equals_the_whole<Sequential<Same, Exponential, ZeroPad1d<{3, 0}>, Conv1d<2, 3>>,
                   Shape<2, 12>>(1);
  equals_the_whole<Sequential<ZeroPad1d<{2, 1}>, Conv1d<2, 3, Dilation<2>>, Exponential>,
                   Shape<2, 12>>(1);
  equals_the_whole<Sequential<ZeroPad1d<3>, Conv1d<2, 6>, Exponential, Same>, Shape<2, 12>>(1);
}

TEST_CASE("streams whose branches come at different times") {
  using Same = Conv1d<2, 5, PaddingSame>;
  equals_the_whole<Residual<Same, Tanh>, Shape<2, 12>>(1);
  equals_the_whole<Residual<Residual<Same>, Sigmoid, Same>, Shape<2, 12>>(1);
  equals_the_whole<Concat<0, Conv1d<1, 3, Causal<>>, Same, Sequential<>, Conv1d<3, 1>>,
                   Shape<2, 12>>(1);
  using Gated = Multiply<Sequential<Same, Sigmoid>, Conv1d<2, 3, PaddingSame>>;
  equals_the_whole<Sequential<Gated, Exponential, Conv1d<1, 3, Causal<>>>, Shape<2, 12>>(1);
}

TEST_CASE("streams of what looks at one step at a time") {
  equals_the_whole<Sequential<Linear<4>, LayerNorm<>, GELU, Linear<2>, Softmax<>>, Shape<12, 3>>(0);
  equals_the_whole<Sequential<RMSNorm<>, Reshape<12, 2, 3>, Linear<2>>, Shape<12, 6>>(0);
  equals_the_whole<Sequential<Permute<2, 0, 1>, Softmax<0>, Permute<1, 2, 0>, Tanh>,
                   Shape<12, 2, 3>>(0);
  equals_the_whole<Sequential<PReLU<2>, Softmax<0>, Permute<1, 0>, Linear<3>>, Shape<2, 12>>(1);
}

TEST_CASE("streams that know how many steps there were") {
  equals_the_whole<PositionalEncoding, Shape<12, 3>>(0);
  equals_the_whole<Sequential<Embedding<5, 4>, SinusoidalEncoding<>, Linear<3>>, Shape<12>>(0);
  equals_the_whole<Sequential<Linear<4>, RotaryEncoding<>>, Shape<12, 4>>(0);
  equals_the_whole<Sequential<Conv1d<4, 3, PaddingSame>, Permute<1, 0>, PositionalEncoding,
                              SinusoidalEncoding<>>,
                   Shape<2, 12>>(1);
}

TEST_CASE("streams of attention") {
  equals_the_whole<MultiheadAttention<1, Causal<>>, Shape<12, 4>>(0, {1, 2, 3, 4, 6, 12});
  equals_the_whole<MultiheadAttention<2, Causal<>>, Shape<12, 4>>(0);
  equals_the_whole<Sequential<Decoder, Decoder>, Shape<12, 4>>(0);
  equals_the_whole<Residual<RotaryEncoding<>, MultiheadAttention<2, Causal<>, Bias<false>>>,
                   Shape<12, 4>>(0);
}

TEST_CASE("attention to what comes late does not see what was there before") {
  equals_the_whole<LateAttention, Shape<2, 12>>(1);
  equals_the_whole<Sequential<LateAttention, Decoder, MultiheadAttention<1, Causal<>>>,
                   Shape<2, 12>>(1);
}

TEST_CASE("a stream states on which steps its results depend") {
  CHECK(depends_as_stated<Conv1d<3, 3, Causal<>, Dilation<2>>, Shape<2, 12>>(1, 4, 0));
  CHECK(depends_as_stated<Conv1d<3, 4>, Shape<2, 12>>(1, 0, 3));
  CHECK(depends_as_stated<Conv1d<3, 4, PaddingSame>, Shape<2, 12>>(1, 1, 2));
  CHECK(depends_as_stated<Sequential<ZeroPad1d<{2, 0}>, Conv1d<2, 3>>, Shape<2, 12>>(1, 2, 0));
  CHECK(depends_as_stated<Residual<Conv1d<2, 3, PaddingSame>, Conv1d<2, 3, PaddingSame>>,
                          Shape<2, 12>>(1, 2, 2));
  CHECK(depends_as_stated<Concat<0, Conv1d<1, 5, Causal<>>, Conv1d<1, 3, PaddingSame>>,
                          Shape<2, 12>>(1, 4, 1));
  CHECK(depends_as_stated<Linear<2>, Shape<12, 3>>(0, 0, 0));
  CHECK(depends_as_stated<MultiheadAttention<1, Causal<>>, Shape<12, 4>>(0, 11, 0));
  CHECK(depends_as_stated<LateAttention, Shape<2, 12>>(1, 12, 1));
  CHECK(streamed(tape_of<Sequential<Decoder, Decoder>, Shape<12, 4>>(), 0, 1).back == 22);
}

TEST_CASE("what needs all of its sequence has no stream") {
  CHECK(!streams_along<MultiheadAttention<1>, Shape<12, 4>>(0));
  CHECK(!streams_along<MultiheadAttention<1>, Shape<12, 4>>(1));
  CHECK(!streams_along<Flatten, Shape<12, 4>>(0));
  CHECK(!streams_along<Softmax<0>, Shape<12, 4>>(0));
  CHECK(!streams_along<GroupNorm<1>, Shape<2, 12>>(1));
  CHECK(!streams_along<LayerNorm<>, Shape<12>>(0));
  CHECK(!streams_along<Linear<3>, Shape<12>>(0));
  CHECK(!streams_along<Linear<3>, Shape<2, 12>>(1));
  CHECK(!streams_along<Conv1d<3, 3, Stride<2>>, Shape<2, 12>>(1));
  CHECK(!streams_along<Conv1d<3, 2, Padding<3>>, Shape<2, 12>>(1));  // later than it need be
  CHECK(!streams_along<Conv1d<3, 3>, Shape<2, 12>>(0));
  CHECK(!streams_along<MaxPool1d<2>, Shape<2, 12>>(1));
  CHECK(!streams_along<AvgPool1d<3, Stride<1>>, Shape<2, 12>>(1));
  CHECK(!streams_along<Upsample<2>, Shape<2, 12, 3>>(1));
  CHECK(!streams_along<Select<0, -1>, Shape<12, 4>>(0));
  CHECK(!streams_along<ReflectionPad1d<1>, Shape<2, 12>>(1));
  CHECK(streams_along<Conv1d<3, 9>, Shape<2, 12>>(1));
}

namespace {

/// The mean of the steps up to now, by a mask: a product with keys that no softmax has closed.
template <double closed> struct Masked {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t t = extent_of<0>(X{});
    const auto open = reshape<Shape<t, 1>>(iota<t>) >= iota<t>;
    return matmul(softmax(where(open, matmul(x, transpose(x)), constant<closed>)), x);
  }
};
/// Weights that are divided by their sum, instead of by a softmax.
struct DividedBySum {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t t = extent_of<0>(X{});
    const auto open = reshape<Shape<t, 1>>(iota<t>) >= iota<t>;
    const auto w = where(open, exp(matmul(x, transpose(x))), constant<0.0>);
    return matmul(w, x) / sum<1>(w, keepdim);
  }
};
/// Attention without a softmax (Katharopoulos et al. 2020, without their feature map).
struct LinearAttention {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t t = extent_of<0>(X{});
    const auto open = reshape<Shape<t, 1>>(iota<t>) >= iota<t>;
    return matmul(where(open, matmul(x, transpose(x)), constant<0.0>), x + constant<1.0>);
  }
};
/// Closed, but opened again.
struct ClosedThenExp {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t t = extent_of<0>(X{});
    const auto open = reshape<Shape<t, 1>>(iota<t>) >= iota<t>;
    return matmul(exp(where(open, matmul(x, transpose(x)), constant<0.0>)), x);
  }
};
/// Scores times a table that knows each key's place.
struct TableOfKeys {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t t = extent_of<0>(X{});
    const auto open = reshape<Shape<t, 1>>(iota<t>) >= iota<t>;
    constexpr auto infinity = constant<-std::numeric_limits<double>::infinity()>;
    return matmul(softmax(where(open, matmul(x, transpose(x)), infinity)),
                  parameter<"weight", Shape<t, 2>, Ones>);
  }
};
/// Values that come later than the weights with which they are summed.
struct LateValues {
  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t t = extent_of<0>(X{});
    const auto open = reshape<Shape<t, 1>>(iota<t>) >= iota<t>;
    constexpr auto infinity = constant<-std::numeric_limits<double>::infinity()>;
    const auto v =
        call<"v", Sequential<Permute<1, 0>, Conv1d<2, 3, PaddingSame>, Permute<1, 0>>>(x);
    return matmul(softmax(where(open, matmul(x, transpose(x)), infinity)), v);
  }
};

}  // namespace

TEST_CASE("a mask makes attention causal only if what it closes counts for nothing") {
  equals_the_whole<Masked<-std::numeric_limits<double>::infinity()>, Shape<12, 4>>(0);
  // What was there before has no softmax that closes it, so it has to be a number.
  equals_the_whole<LinearAttention, Shape<12, 4>>(0, {1, 2, 3, 5}, 7.0);
  CHECK(!streams_along<Masked<0.0>, Shape<12, 4>>(0));
  CHECK(!streams_along<Masked<1.0>, Shape<12, 4>>(0));
  CHECK(!streams_along<ClosedThenExp, Shape<12, 4>>(0));
}

TEST_CASE("keys are only summed by products with values that move along") {
  CHECK(!streams_along<DividedBySum, Shape<12, 4>>(0));
  CHECK(!streams_along<TableOfKeys, Shape<12, 4>>(0));
  equals_the_whole<LateValues, Shape<12, 4>>(0, {1});
  CHECK(!streams_along<LateValues, Shape<12, 4>>(0, 2));
}
