// SPDX-License-Identifier: BSL-1.0
// Composition: pipelines, networks as types, and the shapes that run through them.
#include <type_traits>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/branches.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/freeze.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/shape.hpp"
#include "etch/network/network.hpp"

namespace {

using namespace etch;

inline constexpr Input<1, 8, 8> input{};
inline constexpr Conv2d<4, 3> conv{};
inline constexpr ReLU relu_layer{};
inline constexpr Linear<10> linear{};
inline constexpr Flatten flat{};

template <class Net, class A> constexpr bool is(A) { return std::is_same_v<A, Net>; }

template <class L, class S> using Out = ResultShape<L, S>;
template <class L, class S, class R>
constexpr bool gives = decltype(layer_fits<L, S>())::ok && std::is_same_v<Out<L, S>, R>;
template <class L, class S> constexpr bool refuses = !decltype(layer_fits<L, S>())::ok;

}  // namespace

TEST_CASE("a pipeline behind an input is the network that lists the same layers") {
  static_assert(is<Network<Input<1, 8, 8>, Conv2d<4, 3>, ReLU, Flatten, Linear<10>>>(
      input | conv | relu_layer | flat | linear));
  static_assert(is<Network<Input<1, 8, 8>, ReLU>>(input | relu_layer));
}

TEST_CASE("layers without an input make a sequence, which is a layer") {
  static_assert(is<Sequential<ReLU, Linear<10>>>(relu_layer | linear));
  static_assert(Layer<Sequential<ReLU, Linear<10>>> && Layer<Linear<10>> && !Layer<Input<3>>);
}

TEST_CASE("however a pipeline is bracketed, it is one flat list") {
  using Net = Network<Input<1, 8, 8>, Conv2d<4, 3>, ReLU, Flatten, Linear<10>>;
  static_assert(is<Net>(input | (conv | relu_layer | flat | linear)));
  static_assert(is<Net>(input | (conv | relu_layer) | (flat | linear)));
  static_assert(is<Net>((input | conv) | (relu_layer | (flat | linear))));
}

TEST_CASE("a residual keeps its inner layers together") {
  static_assert(is<Residual<Linear<10>, ReLU>>(residual(linear | relu_layer)));
  static_assert(is<Residual<ReLU>>(residual(relu_layer)));
  static_assert(is<Network<Input<10>, Residual<Linear<10>, ReLU>, ReLU>>(
      Input<10>{} | residual(linear | relu_layer) | relu_layer));
  static_assert(gives<Residual<Linear<10>, ReLU>, Shape<10>, Shape<10>>);
  static_assert(refuses<Residual<Linear<9>>, Shape<10>>, "it has to keep the shape");
}

TEST_CASE("layers side by side keep to themselves, and what is repeated is one flat list") {
  static_assert(is<Concat<0, Conv2d<4, 3>, Sequential<Conv2d<4, 3>, ReLU>>>(
      concat(conv, conv | relu_layer)));
  static_assert(gives<Concat<0, Conv2d<4, 3>, Conv2d<2, 3>>, Shape<1, 8, 8>, Shape<6, 6, 6>>);
  static_assert(refuses<Concat<0, Conv2d<4, 3>, Conv2d<2, 5>>, Shape<1, 8, 8>>);
  static_assert(refuses<Concat<3, Conv2d<4, 3>, Conv2d<4, 3>>, Shape<1, 8, 8>>, "no such axis");
  static_assert(is<Sum<Linear<10>, ReLU>>(sum(linear, relu_layer)));
  static_assert(gives<Multiply<Linear<10>, Linear<10>>, Shape<3>, Shape<10>>);
  static_assert(refuses<Sum<Linear<10>, ReLU>, Shape<9>>, "the results have one shape");
  static_assert(refuses<Sum<Linear<10>, Conv2d<4, 3>>, Shape<10>>, "a branch does not fit");
  static_assert(is<Sequential<Linear<10>, ReLU, Linear<10>, ReLU>>(repeat<2>(linear | relu_layer)));
  static_assert(is<Sequential<ReLU>>(repeat<1>(relu_layer)));
}

TEST_CASE("freezing a pipeline freezes each of its layers") {
  static_assert(is<Sequential<Freeze<Linear<10>>, Freeze<ReLU>>>(freeze(linear | relu_layer)));
  static_assert(is<Freeze<Linear<10>>>(freeze(linear)));
  static_assert(gives<Freeze<Linear<10>>, Shape<3>, Shape<10>>);
  static_assert(refuses<Freeze<Conv2d<4, 3>>, Shape<10>>);
}

TEST_CASE("a network knows the shapes at both of its ends") {
  using Net = Network<Input<1, 8, 8>, Conv2d<4, 3>, MaxPool2d<2>, Flatten, Linear<10>>;
  static_assert(Net::valid);
  static_assert(std::is_same_v<InputShape<Net>, Shape<1, 8, 8>>);
  static_assert(std::is_same_v<OutputShape<Net>, Shape<10>>);
  static_assert(std::is_same_v<OutputShape<Network<Input<7>>>, Shape<7>>, "no layer at all");
}

TEST_CASE("a layer says which shape it gives and which it refuses") {
  static_assert(gives<Linear<4>, Shape<3>, Shape<4>>);
  static_assert(gives<Linear<4>, Shape<5, 3>, Shape<5, 4>>, "each row of a sequence");
  static_assert(gives<Linear<4, InFeatures<3>>, Shape<3>, Shape<4>>);
  static_assert(refuses<Linear<4, InFeatures<3>>, Shape<2>> && refuses<Linear<4>, Shape<>>);
  static_assert(gives<Conv2d<16, 3, Stride<2>, Padding<1>>, Shape<1, 8, 8>, Shape<16, 4, 4>>);
  static_assert(gives<Conv2d<6, {1, 3}, Groups<3>>, Shape<3, 5, 5>, Shape<6, 5, 3>>);
  static_assert(refuses<Conv2d<6, 3>, Shape<8, 8>> && refuses<Conv2d<6, 9>, Shape<1, 8, 8>>);
  static_assert(refuses<Conv2d<6, 3, Groups<2>>, Shape<3, 8, 8>>);
  static_assert(gives<MaxPool2d<2>, Shape<3, 8, 9>, Shape<3, 4, 4>>);
  static_assert(gives<AvgPool2d<3, Stride<1>, Padding<1>>, Shape<3, 8, 9>, Shape<3, 8, 9>>);
  static_assert(refuses<MaxPool2d<9>, Shape<3, 8, 9>>);
  static_assert(gives<Flatten, Shape<2, 3, 4>, Shape<24>> && gives<GELU, Shape<2, 3>, Shape<2, 3>>);
  static_assert(gives<Softmax<0>, Shape<4, 2, 3>, Shape<4, 2, 3>>);
  static_assert(gives<LayerNorm<>, Shape<2, 3>, Shape<2, 3>>);
  static_assert(gives<LayerNorm<Shape<2, 3>>, Shape<4, 2, 3>, Shape<4, 2, 3>>);
  static_assert(refuses<LayerNorm<Shape<3>>, Shape<4>>);
}

TEST_CASE("options come in any order") {
  static_assert(gives<Conv2d<16, 3, Padding<1>, Stride<2>>, Shape<1, 8, 8>, Shape<16, 4, 4>>);
  static_assert(Conv2d<1, 3, Dilation<2>, Stride<3>>::window.stride[1] == 3);
  static_assert(Conv2d<1, 3, Stride<3>, Dilation<2>>::window.dilation[0] == 2);
  static_assert(MaxPool2d<3>::window.stride[0] == 3, "the stride defaults to the kernel");
}

TEST_CASE("a sequence inside of a sequence stays a layer of its own") {
  using Inner = Sequential<Linear<4>, ReLU>;
  static_assert(gives<Sequential<Inner, Linear<2>>, Shape<3>, Shape<2>>);
  static_assert(refuses<Sequential<Inner, Linear<2, InFeatures<5>>>, Shape<3>>,
                "the verdict of an inner layer counts");
}
