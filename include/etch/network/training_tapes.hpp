// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "etch/tape/fuse.hpp"
#include "etch/tape/gradient.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"

// The tapes that training needs beside those of the network itself.

namespace etch {

namespace detail {
/// A sample that only fills up a batch has the weight zero.
template <class Loss> struct Weighted {
  template <Expr X, Expr T, Expr W> static constexpr auto formula(X x, T t, W w) {
    return w * Loss::formula(x, t);
  }
};
}  // namespace detail

/// Inputs: predictions [batch, S], targets, weights [batch]. Outputs: the weighted sum of the
/// losses, and its gradient for the predictions.
template <class Loss, class S, std::size_t batch> struct LossTape {
  constexpr Tape operator()() const {
    using Target = typename Loss::template Target<S>;
    Tape tape = lower<detail::Weighted<Loss>, S, Target, Shape<>>(batch);
    tape = tidied(tape);
    const Value total = sum_over_batch({&tape, tape.outputs[0]});
    const int seed = detail::number(total, 1).id;
    const int prediction = leaves(tape, Op::input)[0];
    const int slope = differentiate(tape, {total.id}, {seed}, {prediction})[0];
    tape.outputs = {total.id, detail::for_each_sample({&tape, slope}).id};
    return with_distinct_outputs(tidied(tape));
  }
  static constexpr Room room() { return {48, 8}; }
};

/// Inputs: parameters, gradients, the optimizer's slots, each of n floats, then its scalars.
/// Outputs: parameters, slots.
template <class Optimizer, std::size_t n> struct OptimizerTape {
  constexpr Tape operator()() const {
    constexpr std::size_t scalars = std::tuple_size_v<decltype(Optimizer{}.scalars(1))>;
    return make(std::make_index_sequence<2 + Optimizer::slots>{},
                std::make_index_sequence<scalars>{});
  }
  static constexpr Room room() { return {48, 8}; }

 private:
  template <std::size_t> using Vector = Shape<n>;
  template <std::size_t> using Scalar = Shape<>;

  template <std::size_t... v, std::size_t... s>
  static constexpr Tape make(std::index_sequence<v...>, std::index_sequence<s...>) {
    const Tape tape = lower<Optimizer, Vector<v>..., Scalar<s>...>();
    return with_distinct_outputs(tidied(tape));
  }
};

}  // namespace etch
