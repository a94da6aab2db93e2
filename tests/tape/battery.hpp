// SPDX-License-Identifier: BSL-1.0
// Tapes of many kinds, for checks that must hold for any tape.
#pragma once

#include <string>

#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/sequential.hpp"
#include "etch/layers/shape.hpp"
#include "etch/tape/fuse.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/split.hpp"
#include "gradient_check.hpp"

namespace battery {

using namespace etch;

/// Views of views, an iota that starts late or takes steps, and reshapes that regroup axes.
struct Movement {
  template <Expr X> static constexpr auto formula(X x) {  // [2, 6]
    const auto turned = slice<0, 1, 5, 2>(transpose(x));     // [2, 2]
    const auto counted = slice<0, 0, 6, 3>(iota<6>) + slice<0, 3, 5>(iota<6>);
    const auto regrouped = reshape<Shape<4, 3>>(transpose(reshape<Shape<4, 3>>(x)));
    const auto first = reshape<Shape<3>>(slice<0, 0, 1>(regrouped));
    return concat<0>(flatten(turned * counted + one_hot<2>(sum(turned)) + iota<1>), first * first);
  }
};

/// Values that several later steps read.
struct Shared {
  template <Expr X> static constexpr auto formula(X x) {  // [5]
    const auto h = call<"in", Linear<4>>(x);
    const auto a = tanh(h);
    const auto b = sigmoid(h);
    const auto y = call<"a", Linear<4>>(a) * b + call<"b", Linear<4>>(b) * a + h;
    return softmax(y) * exp(a) + max(y, keepdim) + mean(h * b);
  }
};

/// Heads of attention: products with leading axes.
struct Attention {
  template <Expr X> static constexpr auto formula(X x) {  // [3, 4]
    const auto heads = [](auto v) { return permute<1, 0, 2>(reshape<Shape<3, 2, 2>>(v)); };
    const auto q = heads(call<"q", Linear<4>>(x));
    const auto k = heads(call<"k", Linear<4>>(x));
    const auto v = heads(call<"v", Linear<4>>(x));
    const auto mixed = matmul(softmax(matmul(q, transpose(k)) * constant<0.7>), v);
    return reshape<Shape<3, 4>>(permute<1, 0, 2>(mixed)) + x;
  }
};

struct Gather {
  template <Expr X> static constexpr auto formula(X x) {  // [4, 3]
    return where(x < broadcast_to<Shape<4, 3>>(slice<0, 2, 3>(x)), max<0>(x),
                 min(x, constant<0.5> * x));
  }
};

/// f(name, layers, input shape) for each entry.
template <class F> void for_each_network(F f) {
  f("linear relu", Sequential<Linear<5>, ReLU>{}, Shape<3>{});
  f("linear gelu", Sequential<Linear<17>, GELU>{}, Shape<3>{});
  f("rows", Sequential<Linear<4>, SiLU, LayerNorm<>>{}, Shape<3, 5>{});
  f("residual", Residual<LayerNorm<>, Linear<6>, Tanh, Linear<6>>{}, Shape<6>{});
  f("skip", Sequential<Softmax<>, Residual<Linear<6>>, Softmax<>>{}, Shape<6>{});
  f("conv", Sequential<Conv2d<4, 3, Padding<1>>, ReLU, MaxPool2d<2>>{}, Shape<2, 6, 6>{});
  f("conv flat", Sequential<Conv2d<4, 2, Groups<2>>, ELU<>, AvgPool2d<2>, Flatten, Linear<3>>{},
    Shape<2, 5, 5>{});
  f("softmax of channels", Sequential<Softmax<0>, Sigmoid>{}, Shape<3, 2, 2>{});
  f("only a view", Sequential<Flatten>{}, Shape<2, 3>{});
  f("movement", Movement{}, Shape<2, 6>{});
  f("shared", Shared{}, Shape<5>{});
  f("attention", Attention{}, Shape<3, 4>{});
  f("gather", Gather{}, Shape<4, 3>{});
}

template <class Layers, class S> Tape formula_tape(Layers, S, std::size_t batch) {
  return with_vector_layout(tidied(lower<Layers, S>(batch)));
}

/// f(name, tape, feed) for the inference, forward and backward tapes of each network, of one sample
/// and of three. Backward is fed what forward keeps.
template <class F> void for_each_tape(F f) {
  for_each_network([&](const std::string& name, auto layers, auto input) {
    for (const std::size_t batch : {std::size_t{1}, std::size_t{3}}) {
      const Tape tape = formula_tape(layers, input, batch);
      const std::string label = name + ", batch " + std::to_string(batch);
      by_hand::Feed feed = by_hand::feed_for(tape);
      f(label + ", inference", with_distinct_outputs(tape), feed);
      const TrainingTapes training = split_for_training(tape, true);
      f(label + ", forward", with_distinct_outputs(training.forward), feed);
      for (const by_hand::Numbers& kept : by_hand::run(training.forward, feed)) {
        if (feed.inputs.size() == 1) feed.inputs.push_back(by_hand::scattered(kept.size(), 9));
        if (feed.inputs.size() == etch::TrainingInput::of_weight) {
          feed.inputs.resize(etch::TrainingInput::first_kept_input);  // weights and keys: not read
        }
        feed.inputs.push_back(kept);
      }
      f(label + ", backward", with_distinct_outputs(training.backward), feed);
    }
  });
}

}  // namespace battery
