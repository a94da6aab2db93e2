// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/affine.hpp"
#include "etch/layers/options.hpp"
#include "etch/layers/sequential.hpp"

// One step of the recurrent layers. x: [In]; parameters are named as in torch.nn.LSTMCell.

namespace etch {

namespace detail {

/// W x + b, a matrix and a bias of `rows` rows; all parameters of a cell are drawn alike.
template <FixedString weight, FixedString bias, std::size_t rows, std::size_t fan_in,
          class... Options, Expr X>
constexpr auto cell_map(X x) {
  constexpr auto w = parameter<weight, Shape<rows, extent_of<0>(X{})>, FanInUniform<fan_in>>;
  constexpr auto b = parameter<bias, Shape<rows>, FanInUniform<fan_in>>;
  return plus_bias<Options...>(matmul(w, x), b);
}

/// The k-th of the gates [n * hidden].
template <std::size_t k, std::size_t hidden, Expr Z> constexpr auto gate(Z z) {
  return slice<0, k * hidden, (k + 1) * hidden>(z);
}

/// The activation among the options applied to z.
template <class Key, class Default, class... Options, Expr Z> constexpr auto activated(Z z) {
  using F = decltype(option_or<Key, Default{}, Options...>());
  return std::remove_cvref_t<F>::formula(z);
}

}  // namespace detail

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990). Options: Activation<ReLU>, Bias<false>.
template <std::size_t hidden, class... Options> struct RNNCell {
  template <class S> using states = Shapes<Shape<hidden>>;

  template <Expr X, Expr H> static constexpr auto formula(X x, H h) {
    const auto from_x = detail::cell_map<"weight_ih", "bias_ih", hidden, hidden, Options...>(x);
    const auto from_h = detail::cell_map<"weight_hh", "bias_hh", hidden, hidden, Options...>(h);
    const auto next = detail::activated<option::Activation, Tanh, Options...>(from_x + from_h);
    return outputs(next, next);
  }
};

/// h = tanh(W_ih x + b_ih + W_hh y + b_hh), y' = W_ho h + b_ho: what went out comes in again
/// (Jordan 1986). Options: Activation<Sigmoid>, OutputActivation<Tanh>, Bias<false>.
template <std::size_t hidden, std::size_t out, class... Options> struct JordanCell {
  template <class S> using states = Shapes<Shape<out>>;

  template <Expr X, Expr Y> static constexpr auto formula(X x, Y y) {
    const auto from_x = detail::cell_map<"weight_ih", "bias_ih", hidden, hidden, Options...>(x);
    const auto from_y = detail::cell_map<"weight_hh", "bias_hh", hidden, hidden, Options...>(y);
    const auto h = detail::activated<option::Activation, Tanh, Options...>(from_x + from_y);
    const auto z = detail::cell_map<"weight_ho", "bias_ho", out, hidden, Options...>(h);
    const auto next = detail::activated<option::OutputActivation, Sequential<>, Options...>(z);
    return outputs(next, next);
  }
};

/// Gates r, z and a candidate n, reset after the product (Cho et al. 2014, as torch.nn.GRU):
///   r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z likewise
///   n = tanh(W_in x + b_in + r (W_hn h + b_hn))
///   h' = (1 - z) n + z h
/// Option: Bias<false>.
template <std::size_t hidden, class... Options> struct GRUCell {
  template <class S> using states = Shapes<Shape<hidden>>;

  template <Expr X, Expr H> static constexpr auto formula(X x, H h) {
    const auto from_x = detail::cell_map<"weight_ih", "bias_ih", 3 * hidden, hidden, Options...>(x);
    const auto from_h = detail::cell_map<"weight_hh", "bias_hh", 3 * hidden, hidden, Options...>(h);
    const auto r = sigmoid(detail::gate<0, hidden>(from_x) + detail::gate<0, hidden>(from_h));
    const auto z = sigmoid(detail::gate<1, hidden>(from_x) + detail::gate<1, hidden>(from_h));
    const auto n = tanh(detail::gate<2, hidden>(from_x) + r * detail::gate<2, hidden>(from_h));
    const auto next = (constant<1.0> - z) * n + z * h;
    return outputs(next, next);
  }
};

/// Gates i, f, g, o (Hochreiter and Schmidhuber 1997; Gers et al. 2000):
///   i = sigmoid(W_ii x + b_ii + W_hi h + b_hi), f and o likewise, g with tanh
///   c' = f c + i g,  h' = tanh(c') o, or W_hr (tanh(c') o) with ProjSize<n> (Sak et al. 2014)
/// Options: ProjSize<n>, Bias<false>.
template <std::size_t hidden, class... Options> struct LSTMCell {
  static constexpr std::size_t proj_size =
      option_or<option::ProjSize, std::size_t{0}, Options...>();
  static constexpr std::size_t out = proj_size == 0 ? hidden : proj_size;

  template <class S> using states = Shapes<Shape<out>, Shape<hidden>>;

  template <Expr X, Expr H, Expr C> static constexpr auto formula(X x, H h, C c) {
    const auto from_x = detail::cell_map<"weight_ih", "bias_ih", 4 * hidden, hidden, Options...>(x);
    const auto from_h = detail::cell_map<"weight_hh", "bias_hh", 4 * hidden, hidden, Options...>(h);
    const auto gates = from_x + from_h;
    const auto i = sigmoid(detail::gate<0, hidden>(gates));
    const auto f = sigmoid(detail::gate<1, hidden>(gates));
    const auto g = tanh(detail::gate<2, hidden>(gates));
    const auto o = sigmoid(detail::gate<3, hidden>(gates));
    const auto next_c = f * c + i * g;
    // Written in the order in which a processor can begin: tanh(c') is what all wait for.
    const auto next_h = projected(tanh(next_c) * o);
    return outputs(next_h, next_h, next_c);
  }

 private:
  template <Expr Z> static constexpr auto projected(Z z) {
    if constexpr (proj_size == 0) {
      return z;
    } else {
      return matmul(parameter<"weight_hr", Shape<proj_size, hidden>, FanInUniform<hidden>>, z);
    }
  }
};

/// x and the n - 1 inputs before it, the newest first: [F] -> [n F]. A net on top of it sees a
/// window of the past (a tapped delay line).
template <std::size_t n> struct DelayTapsCell {
  template <class S> using states = Shapes<Shape<(n - 1) * S::size>>;

  template <Expr X, Expr H> static constexpr auto formula(X x, H past) {
    const auto all = concat<0>(flatten(x), past);
    return outputs(all, slice<0, 0, ShapeOf<H>::size>(all));
  }
};

}  // namespace etch
