// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/layers/freeze.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/network/network.hpp"

namespace etch {

/// `L` with matrices and kernels as `T`, bf16 or int8; vectors, and what begins as a constant
/// (biases, norms), stay floats. For inference: weights come from quantize(parameters) in
/// network/quantized.hpp.
template <class L, class T> struct Quantize {
  static_assert(detail::number_type<T> != NumberType::f32, "etch: quantise to bf16 or int8");
  template <class S> static constexpr auto fits() { return layer_fits<L, S>(); }
  template <Expr X> static constexpr auto formula(X x) {
    return StoredAs<detail::number_type<T>, decltype(L::formula(x))>{};
  }
};

template <detail::MadeOfRecurrences L, class T>
struct Quantize<L, T>
    : detail::wrapped_parts<detail::InSmallNumbers<detail::number_type<T>>,
                            typename L::parts>::type {
  template <class S> static constexpr auto fits() { return layer_fits<L, S>(); }
};

namespace detail {
template <class Net, class T> struct quantized;
template <class In, class... Layers, class T> struct quantized<Network<In, Layers...>, T> {
  using type = Network<In, Quantize<Layers, T>...>;
};
}  // namespace detail

/// The network with the same layers whose weights take half (bf16) or a quarter (int8) of the
/// memory; tiny ones may take more, as scales start on a cache line of their own. Names stay;
/// beside each "weight" of 8-bit integers there is a "weight_scale" (beside a recurrence's
/// "weight_ih_l0" a "weight_ih_scale_l0"), one number for each output (of transposed convolutions,
/// whose first axis they are, for each input).
///
/// bf16 rounds nothing but weights. Nor do convolutions and embeddings of int8; but products with
/// int8 matrices (Linear, recurrences, projections of attention, and Conv1d in a stream) round
/// their inputs, too: each row, that is, all inputs of one output, to equal steps of 1/16000 of its
/// largest element or finer, so that no element is wrong by more than 1/32000 of that. Where one
/// input is much larger than others that matter, normalise inputs or take bf16.
template <class Net, class T> using Quantized = typename detail::quantized<Net, T>::type;

}  // namespace etch
