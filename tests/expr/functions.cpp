// SPDX-License-Identifier: BSL-1.0
// The types of formulas: which shape each function and operator gives.
#include <type_traits>

#include "catch.hpp"
#include "etch/expr/functions.hpp"

namespace {

using namespace etch;
using namespace etch::literals;

template <std::size_t... extents> inline constexpr Argument<0, Shape<extents...>> x{};
template <std::size_t... extents> inline constexpr Argument<1, Shape<extents...>> y{};

template <std::size_t... extents, Expr X> constexpr bool has_shape(X) {
  return std::is_same_v<ShapeOf<X>, Shape<extents...>> && std::is_empty_v<X>;
}
template <class A, class B> constexpr bool same(A, B) { return std::is_same_v<A, B>; }

template <class X> inline constexpr Op op_of = Op::input;
template <Op op, Attributes a, class S, class... Args>
inline constexpr Op op_of<Node<op, a, S, Args...>> = op;
template <Op op, Expr X> constexpr bool is(X) { return op_of<X> == op; }

}  // namespace

TEST_CASE("a function of one argument keeps the shape and is its own op") {
  constexpr auto v = x<2, 3>;
  static_assert(is<Op::neg>(-v) && is<Op::abs>(abs(v)) && is<Op::exp>(exp(v)));
  static_assert(is<Op::expm1>(expm1(v)) && is<Op::log>(log(v)) && is<Op::log1p>(log1p(v)));
  static_assert(is<Op::sqrt>(sqrt(v)) && is<Op::rsqrt>(rsqrt(v)) && is<Op::tanh>(tanh(v)));
  static_assert(is<Op::sin>(sin(v)) && is<Op::cos>(cos(v)));
  static_assert(is<Op::sigmoid>(sigmoid(v)) && is<Op::erf>(erf(v)) && is<Op::relu>(relu(v)));
  static_assert(is<Op::softmax>(softmax(v)) && is<Op::log_softmax>(log_softmax(v)));
  static_assert(has_shape<2, 3>(-v) && has_shape<2, 3>(abs(v)) && has_shape<2, 3>(exp(v)));
  static_assert(has_shape<2, 3>(expm1(v)) && has_shape<2, 3>(log(v)) && has_shape<2, 3>(log1p(v)));
  static_assert(has_shape<2, 3>(sqrt(v)) && has_shape<2, 3>(rsqrt(v)) && has_shape<2, 3>(tanh(v)));
  static_assert(has_shape<2, 3>(sigmoid(v)) && has_shape<2, 3>(erf(v)) && has_shape<2, 3>(relu(v)));
  static_assert(has_shape<2, 3>(softmax(v)) && has_shape<2, 3>(log_softmax(v)));
  static_assert(has_shape<>(exp(x<>)));
}

TEST_CASE("a function of two arguments broadcasts them") {
  constexpr auto a = x<2, 1>;
  constexpr auto b = y<3>;
  static_assert(is<Op::add>(a + b) && is<Op::sub>(a - b));
  static_assert(is<Op::mul>(a * b) && is<Op::div>(a / b));
  static_assert(is<Op::max>(max(a, b)) && is<Op::min>(min(a, b)) && is<Op::pow>(pow(a, b)));
  static_assert(is<Op::less>(a < b) && is<Op::less_equal>(a <= b) && is<Op::equal>(equal(a, b)));
  static_assert(has_shape<2, 3>(a + b) && has_shape<2, 3>(a - b) && has_shape<2, 3>(a * b));
  static_assert(has_shape<2, 3>(a / b) && has_shape<2, 3>(max(a, b)) && has_shape<2, 3>(min(a, b)));
  static_assert(has_shape<2, 3>(pow(a, b)) && has_shape<2, 3>(a < b) && has_shape<2, 3>(a <= b));
  static_assert(has_shape<2, 3>(a > b) && has_shape<2, 3>(a >= b) && has_shape<2, 3>(equal(a, b)));
  static_assert(has_shape<4, 2, 3>(x<4, 1, 1> * (a + b)) && has_shape<>(x<> + y<>));
}

TEST_CASE("a greater-than is a less-than with its sides exchanged") {
  static_assert(same(x<3> > y<3>, y<3> < x<3>));
  static_assert(same(x<3> >= y<3>, y<3> <= x<3>));
}

TEST_CASE("arguments of the common shape are taken as they are, others are broadcast") {
  static_assert(same(x<2> + y<2>, Node<Op::add, Attributes{}, Shape<2>, Argument<0, Shape<2>>,
                                       Argument<1, Shape<2>>>{}));
  using Stretched = Node<Op::broadcast, Attributes{}, Shape<2>, Constant<1.0>>;
  static_assert(same(x<2> + 1_c, Node<Op::add, Attributes{}, Shape<2>, Argument<0, Shape<2>>,
                                      Stretched>{}));
}

TEST_CASE("where broadcasts its condition and both of its branches") {
  static_assert(has_shape<2, 3>(where(x<2, 1>, y<3>, 0_c)));
  static_assert(has_shape<2, 3>(where(0_c < x<2, 3>, y<3>, y<1>)));
  static_assert(has_shape<4, 3>(where(x<>, y<4, 1>, x<3>)));
}

TEST_CASE("a literal is a constant of the number that is written") {
  static_assert(same(0.5_c, constant<0.5>) && same(2_c, constant<2.0>));
  static_assert(same(0.044715_c, constant<0.044715>) && same(1'000.25_c, constant<1000.25>));
  static_assert(same(1e-5_c, constant<1e-5>) && same(2.5E3_c, constant<2500.0>));
  static_assert(same(1e+2_c, constant<100.0>) && same(.125_c, constant<0.125>));
  static_assert(has_shape<>(0.5_c));
}

TEST_CASE("reshape keeps the elements and costs no node where nothing changes") {
  static_assert(has_shape<6>(flatten(x<2, 3>)));
  static_assert(has_shape<3, 1, 2>(reshape<Shape<3, 1, 2>>(x<6>)));
  static_assert(same(reshape<Shape<2, 3>>(x<2, 3>), x<2, 3>) && same(flatten(x<5>), x<5>));
  static_assert(has_shape<1>(flatten(x<>)) && has_shape<>(reshape<Shape<>>(x<1, 1>)));
}

TEST_CASE("broadcast_to adds axes in front and stretches extents of one") {
  static_assert(has_shape<4, 2, 3>(broadcast_to<Shape<4, 2, 3>>(x<2, 1>)));
  static_assert(same(broadcast_to<Shape<2>>(x<2>), x<2>));
}

TEST_CASE("permute and transpose exchange axes") {
  static_assert(has_shape<4, 2, 3>(permute<2, 0, 1>(x<2, 3, 4>)));
  static_assert(has_shape<3, 2>(transpose(x<2, 3>)));
  static_assert(has_shape<5, 4, 3>(transpose(x<5, 3, 4>)), "only the last two axes");
  static_assert(has_shape<2, 3, 4>(permute<1, 2, 0>(permute<2, 0, 1>(x<2, 3, 4>))));
}

TEST_CASE("slice takes start:stop:step of one axis, counted from either end") {
  static_assert(has_shape<2, 3>(slice<0, 1, 3>(x<4, 3>)));
  static_assert(has_shape<4, 1>(slice<-1, 2, 3>(x<4, 3>)));
  static_assert(same(slice<-2, 1, 3>(x<4, 3>), slice<0, 1, 3>(x<4, 3>)));
  static_assert(has_shape<3>(slice<0, 0, 5, 2>(x<5>)), "0, 2, 4");
  static_assert(has_shape<2>(slice<0, 1, 5, 2>(x<5>)), "1, 3");
  static_assert(has_shape<2>(slice<0, 0, 4, 3>(x<5>)), "0, 3");
}

TEST_CASE("pad adds to one axis, counted from either end, and nothing if there is nothing to add") {
  static_assert(has_shape<4, 6>(pad<-1, 1, 2>(x<4, 3>)));
  static_assert(same(pad<0, 3, 0>(x<4, 3>), pad<-2, 3, 0>(x<4, 3>)));
  static_assert(same(pad<0, 0, 0>(x<4, 3>), x<4, 3>));
}

TEST_CASE("concat joins any number of tensors along one axis") {
  static_assert(has_shape<5, 2>(concat<0>(x<2, 2>, x<3, 2>)));
  static_assert(has_shape<2, 9>(concat<-1>(x<2, 2>, y<2, 3>, x<2, 4>)));
  static_assert(has_shape<6, 2>(concat<0>(x<1, 2>, x<2, 2>, x<3, 2>)));
  static_assert(same(concat<0>(x<3>), x<3>), "of one tensor it is that tensor");
}

TEST_CASE("reductions drop the named axes, or all of them, or keep them with extent one") {
  constexpr auto v = x<2, 3, 4>;
  static_assert(has_shape<>(sum(v)) && has_shape<>(max(v)) && has_shape<>(mean(v)));
  static_assert(has_shape<3, 4>(sum<0>(v)) && has_shape<2, 4>(max<1>(v)));
  static_assert(has_shape<2, 3>(mean<2>(v)));
  static_assert(has_shape<2, 3>(sum<-1>(v)) && has_shape<3, 4>(max<-3>(v)));
  static_assert(has_shape<3>(sum<0, 2>(v)) && has_shape<3>(mean<-1, -3>(v)));
  static_assert(same(sum<0, 2>(v), sum<-1, 0>(v)), "the order of the axes does not matter");
  static_assert(same(sum<0, 1, 2>(v), sum(v)));
  static_assert(has_shape<2, 3, 1>(sum<-1>(v, keepdim)));
  static_assert(has_shape<1, 3, 1>(max<0, 2>(v, keepdim)));
  static_assert(has_shape<1, 1, 1>(mean(v, keepdim)) && has_shape<1, 1, 1>(sum(v, keepdim)));
  static_assert(same(sum(x<>), x<>), "a scalar has nothing to reduce");
}

TEST_CASE("mean divides the sum by the number of elements that went into it") {
  static_assert(same(mean<1>(x<2, 5>), sum<1>(x<2, 5>) / constant<5.0>));
  static_assert(same(mean(x<2, 5>), sum(x<2, 5>) / constant<10.0>));
  static_assert(same(mean<0, 2>(x<2, 5, 3>), sum<0, 2>(x<2, 5, 3>) / constant<6.0>));
}

TEST_CASE("one_hot counts the classes along a new axis") {
  static_assert(has_shape<10>(one_hot<10>(x<>)) && has_shape<4>(iota<4>));
}

TEST_CASE("size_of and extent_of are constants inside a formula") {
  static_assert(size_of(x<2, 3>) == 6 && size_of(x<>) == 1);
  static_assert(extent_of<0>(x<2, 3, 4>) == 2 && extent_of<-1>(x<2, 3, 4>) == 4 &&
                extent_of<-3>(x<2, 3, 4>) == 2);
}
