// SPDX-License-Identifier: BSL-1.0
#include <tuple>
#include <type_traits>

#include "catch.hpp"
#include "formula.hpp"
#include "golden_driver.hpp"

using namespace etch;
using namespace etch::literals;
using layers::Formula;
using layers::golden_case;
using layers::golden_formula_case;
using layers::GoldenCase;

// Layers as a user writes them: a formula of x, and of x and the parameter "w".

namespace {

template <class X, auto f> GoldenCase of(const std::string& name) {
  return golden_formula_case<X, Formula<f>>(name);
}
template <class X, class W, auto f> GoldenCase of(const std::string& name) {
  return golden_formula_case<X, Formula<f, W>>(name);
}

constexpr auto add = [](auto x, auto w) { return x + w; };
constexpr auto subtract = [](auto x, auto w) { return x - w; };
constexpr auto times = [](auto x, auto w) { return x * w; };
constexpr auto divide = [](auto x, auto w) { return x / w; };
constexpr auto power = [](auto x, auto w) { return pow(x, w); };
constexpr auto smaller = [](auto x, auto w) { return min(x, w); };
constexpr auto larger = [](auto x, auto w) { return max(x, w); };
constexpr auto product = [](auto x, auto w) { return matmul(x, w); };
constexpr auto swapped_product = [](auto x, auto w) { return matmul(w, x); };
constexpr auto gram = [](auto x) { return matmul(x, transpose(x)); };
constexpr auto negative = [](auto x) { return -x; };
constexpr auto cube = [](auto x) { return pow(x, 3_c); };
constexpr auto power_of_five_halves = [](auto x) { return pow(x, 2.5_c); };
constexpr auto power_of_minus_three_halves = [](auto x) { return pow(x, -1.5_c); };
constexpr auto error_function = [](auto x) { return erf(x); };
constexpr auto absolute = [](auto x) { return abs(x); };
constexpr auto exponential = [](auto x) { return exp(x); };
constexpr auto hyperbolic = [](auto x) { return tanh(x); };
constexpr auto logistic = [](auto x) { return sigmoid(x); };
constexpr auto sine = [](auto x) { return sin(x); };
constexpr auto cosine = [](auto x) { return cos(x); };
constexpr auto root = [](auto x) { return sqrt(x); };
constexpr auto inverse_root = [](auto x) { return rsqrt(x); };
constexpr auto logarithm = [](auto x) { return log(x); };
template <int axis> constexpr auto sum_over = [](auto x) { return sum<axis>(x); };
template <int axis> constexpr auto mean_over = [](auto x) { return mean<axis>(x); };
template <int axis> constexpr auto max_over = [](auto x) { return max<axis>(x); };
template <int axis> constexpr auto append = [](auto x, auto w) { return concat<axis>(x, w); };
constexpr auto square_or_triple = [](auto x, auto w) { return where(x > w, x * x, 3_c * w); };
constexpr auto half_below_zero = [](auto x) { return where(x > 0_c, x, 0.5_c * x); };
constexpr auto middle_rows = [](auto x) { return slice<0, 1, 3>(x); };
constexpr auto middle_columns = [](auto x) { return slice<1, 1, 5>(x); };
constexpr auto split_in_three = [](auto x) {
  const auto [a, b, c] = split<-1, 1, 3, 2>(x);
  return concat<-1>(3_c * c * c, 2_c * b * b, a * a);
};
constexpr auto split_by_two = [](auto x) {
  const auto [a, b, c] = split<0, 2>(x);
  return concat<0>(3_c * c * c, 2_c * b * b, a * a);
};
constexpr auto four_chunks = [](auto x) {
  const auto [i, f, g, o] = chunk<0, 4>(x);
  return concat<0>(4_c * o * o, 3_c * g * g, 2_c * f * f, i * i);
};
constexpr auto three_chunks = [](auto x) {
  const auto [a, b, c] = chunk<1, 4>(x);  // 2 + 2 + 1
  return concat<1>(3_c * c * c, 2_c * b * b, a * a);
};
constexpr auto last_row = [](auto x) { return select<0, -1>(x); };
constexpr auto third_in_middle = [](auto x) { return select<1, 2>(x); };
constexpr auto transposed = [](auto x) { return transpose(x); };
constexpr auto reshaped = [](auto x) { return reshape<Shape<3, 8>>(x); };
constexpr auto detached_x = [](auto x, auto w) { return detach(x) * w; };
constexpr auto detached_w = [](auto x, auto w) { return x * detach(w); };
constexpr auto detached_factor = [](auto x, auto w) { return x * detach(sigmoid(x + w)) * w; };
constexpr auto detached = [](auto x) { return detach(x); };
constexpr auto max_with_zero = [](auto x) { return max(x, 0_c); };
constexpr auto min_with_zero = [](auto x) { return min(x, 0_c); };

}  // namespace

TEST_CASE("functions in formulas compute what PyTorch computes") {
  using Cube = Shape<2, 3, 4>;
  layers::check_golden(
      "functions",
      {
          of<Shape<4, 6>, Shape<6, 5>, product>("matmul_x_w"),
          of<Shape<4, 6>, Shape<5, 4>, swapped_product>("matmul_w_x"),
          of<Shape<6>, Shape<5, 6>, swapped_product>("matmul_w_vector"),
          of<Shape<3, 5>, gram>("matmul_x_transposed_x"),
          of<Shape<4, 1>, Shape<1, 5>, add>("add_4x1_1x5"),
          of<Shape<4, 5>, Shape<5>, subtract>("sub_4x5_5"),
          of<Shape<4, 1>, Shape<1, 5>, times>("mul_4x1_1x5"),
          of<Shape<4, 5>, Shape<4, 1>, divide>("div_4x5_4x1"),
          of<Shape<5>, negative>("negate"),
          of<Shape<5>, cube>("pow_3"),
          of<Shape<5>, power_of_five_halves>("pow_2.5"),
          of<Shape<5>, power_of_minus_three_halves>("pow_-1.5"),
          of<Shape<5>, Shape<5>, power>("pow_x_w"),
          of<Shape<3, 5>, Shape<3, 5>, smaller>("min_x_w"),
          of<Shape<3, 5>, Shape<3, 5>, larger>("max_x_w"),
          of<Shape<7>, error_function>("erf"),
          of<Shape<7>, sine>("sin"),
          of<Shape<7>, cosine>("cos"),
          of<Shape<7>, absolute>("abs"),
          of<Shape<7>, exponential>("exp"),
          of<Shape<7>, hyperbolic>("tanh"),
          of<Shape<7>, logistic>("sigmoid"),
          of<Shape<7>, root>("sqrt"),
          of<Shape<7>, inverse_root>("rsqrt"),
          of<Shape<7>, logarithm>("log"),
          of<Cube, sum_over<0>>("sum_axis0"),
          of<Cube, mean_over<0>>("mean_axis0"),
          of<Cube, max_over<0>>("max_axis0"),
          of<Cube, sum_over<1>>("sum_axis1"),
          of<Cube, mean_over<1>>("mean_axis1"),
          of<Cube, max_over<1>>("max_axis1"),
          of<Cube, sum_over<2>>("sum_axis2"),
          of<Cube, mean_over<2>>("mean_axis2"),
          of<Cube, max_over<2>>("max_axis2"),
          of<Shape<3, 5>, Shape<3, 5>, square_or_triple>("where_x_greater_w"),
          of<Shape<3, 5>, half_below_zero>("where_x_greater_0"),
          of<Shape<2, 5>, Shape<3, 5>, append<0>>("concat_axis0"),
          of<Shape<2, 5>, Shape<2, 4>, append<1>>("concat_axis1"),
          of<Shape<4, 6>, middle_rows>("slice_axis0_1to3"),
          of<Shape<4, 6>, middle_columns>("slice_axis1_1to5"),
          of<Shape<3, 6>, split_in_three>("split_1_3_2"),
          of<Shape<5, 3>, split_by_two>("split_2_of_5"),
          of<Shape<8>, four_chunks>("chunk_4_of_8"),
          of<Shape<7, 2>, four_chunks>("chunk_4_of_7"),
          of<Shape<2, 5>, three_chunks>("chunk_4_of_5"),
          of<Shape<4, 6>, last_row>("select_axis0_last"),
          of<Cube, third_in_middle>("select_axis1_2"),
          of<Shape<4, 6>, transposed>("transpose_4x6"),
          of<Cube, transposed>("transpose_2x3x4"),
          of<Shape<4, 6>, reshaped>("reshape_4x6_to_3x8"),
          of<Shape<3, 4>, Shape<4>, detached_x>("detach_x"),
          of<Shape<3, 4>, Shape<4>, detached_w>("detach_w"),
          golden_case<Shape<3, 4>, Formula<detached_factor, Shape<4>>>("detach_factor"),
          golden_case<Shape<4>, Linear<3>, Formula<detached>, Linear<2>>("detach_between"),
      });
}

TEST_CASE("where a derivative jumps and where maxima tie, PyTorch's choice is taken") {
  layers::check_golden(
      "kinks",
      {
          golden_case<Shape<4>, ReLU>("relu_tie"),
          golden_case<Shape<4>, LeakyReLU<>>("leaky_relu_tie"),
          golden_case<Shape<4>, ELU<>>("elu_tie"),
          of<Shape<4>, absolute>("abs_tie"),
          of<Shape<4>, max_over<0>>("max_axis0_tie"),
          of<Shape<4>, max_with_zero>("max_x_0_tie"),
          of<Shape<4>, min_with_zero>("min_x_0_tie"),
          golden_case<Shape<1, 2, 2>, MaxPool2d<2>>("max_pool2d_k2_tie"),
      });
}

TEST_CASE("an axis is cut into the pieces that torch.split and torch.chunk make of it") {
  constexpr Argument<0, Shape<3, 8>> x{};
  const auto is = [](auto pieces, auto... shapes) {
    using Pieces = std::tuple<decltype(shapes)...>;
    return []<class... P, class... S>(std::tuple<P...>, std::type_identity<std::tuple<S...>>) {
      if constexpr (sizeof...(P) != sizeof...(S)) return false;
      else return (std::is_same_v<ShapeOf<P>, S> && ...);
    }(pieces, std::type_identity<Pieces>{});
  };
  static_assert(is(split<-1, 1, 5, 2>(x), Shape<3, 1>{}, Shape<3, 5>{}, Shape<3, 2>{}));
  static_assert(is(split<0, 2>(x), Shape<2, 8>{}, Shape<1, 8>{}), "the last one is smaller");
  static_assert(is(split<-1, 9>(x), Shape<3, 8>{}), "one that is larger than the axis");
  static_assert(is(chunk<1, 4>(x), Shape<3, 2>{}, Shape<3, 2>{}, Shape<3, 2>{}, Shape<3, 2>{}));
  static_assert(is(chunk<1, 3>(x), Shape<3, 3>{}, Shape<3, 3>{}, Shape<3, 2>{}));
  static_assert(is(chunk<0, 2>(x), Shape<2, 8>{}, Shape<1, 8>{}));
  static_assert(is(chunk<1, 5>(x), Shape<3, 2>{}, Shape<3, 2>{}, Shape<3, 2>{}, Shape<3, 2>{}),
                "four pieces of two, none of a fifth");
  static_assert(is(chunk<0, 7>(x), Shape<1, 8>{}, Shape<1, 8>{}, Shape<1, 8>{}));
  static_assert(std::is_same_v<decltype(chunk<0, 1>(x)), std::tuple<Argument<0, Shape<3, 8>>>>,
                "what is not cut costs nothing");
  static_assert(std::is_same_v<decltype(slice<1, 0, 8>(x)), Argument<0, Shape<3, 8>>>);
  static_assert(std::is_same_v<decltype(select<-2, -1>(x)), decltype(select<0, 2>(x))>);
}
