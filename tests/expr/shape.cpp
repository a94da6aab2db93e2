// SPDX-License-Identifier: BSL-1.0
// Shapes as types and as values, and the rule of broadcasting.
#include <type_traits>

#include "catch.hpp"
#include "etch/expr/shape.hpp"

namespace {

using etch::Dims;
using etch::Shape;
using etch::ShapeFrom;

template <class A, class B> constexpr bool same = std::is_same_v<A, B>;

template <class A, class B> constexpr bool meets = etch::broadcast_dims(A::dims, B::dims).ok;
template <class A, class B> struct met {
  static constexpr Dims dims = etch::broadcast_dims(A::dims, B::dims).dims;
  using type = ShapeFrom<dims>;
};
/// The common shape, asked for in both orders.
template <class A, class B, class Common>
constexpr bool broadcasts_to = meets<A, B> && same<typename met<A, B>::type, Common> &&
                               meets<B, A> && same<typename met<B, A>::type, Common>;

}  // namespace

TEST_CASE("a shape knows its rank, its size and its extents") {
  static_assert(Shape<2, 3, 4>::rank == 3 && Shape<2, 3, 4>::size == 24);
  static_assert(Shape<2, 3, 4>::extent<0> == 2 && Shape<2, 3, 4>::extent<2> == 4);
  static_assert(Shape<>::rank == 0 && Shape<>::size == 1);
  static_assert(Shape<1, 2, 3, 4, 5, 6>::size == 720, "six axes are allowed");
  static_assert(std::is_empty_v<Shape<2, 3>>);
}

TEST_CASE("a shape as a value is the same facts, and leads back to the type") {
  static_assert(same<ShapeFrom<Shape<5, 1, 2>::dims>, Shape<5, 1, 2>>);
  static_assert(same<ShapeFrom<Dims{}>, Shape<>>);
  static_assert(Shape<2, 3>::dims == Dims{2, {2, 3}});
  static_assert(Shape<2, 3>::dims != Shape<3, 2>::dims);
  static_assert(Shape<2>::dims != Shape<2, 1>::dims, "an axis of extent one is an axis");
  static_assert(Shape<2, 3, 4>::dims.back(0) == 4 && Shape<2, 3, 4>::dims.back(2) == 2);
  constexpr Dims pushed = [] {
    Dims d;
    d.push(7);
    d.push(8);
    return d;
  }();
  static_assert(pushed == Shape<7, 8>::dims && pushed.size() == 56);
}

TEST_CASE("shapes broadcast as in NumPy: aligned at the back, extents of one stretched") {
  static_assert(broadcasts_to<Shape<3>, Shape<3>, Shape<3>>);
  static_assert(broadcasts_to<Shape<>, Shape<2, 3>, Shape<2, 3>>);
  static_assert(broadcasts_to<Shape<3>, Shape<2, 3>, Shape<2, 3>>);
  static_assert(broadcasts_to<Shape<1>, Shape<2, 3>, Shape<2, 3>>);
  static_assert(broadcasts_to<Shape<2, 1>, Shape<3>, Shape<2, 3>>, "both sides may stretch");
  static_assert(broadcasts_to<Shape<8, 1, 6, 1>, Shape<7, 1, 5>, Shape<8, 7, 6, 5>>,
                "the example of NumPy's manual");
  static_assert(broadcasts_to<Shape<4, 1, 1>, Shape<4, 5, 6>, Shape<4, 5, 6>>);
  static_assert(!meets<Shape<2>, Shape<3>>);
  static_assert(!meets<Shape<2, 3>, Shape<2>>, "aligned at the back, not at the front");
  static_assert(!meets<Shape<2, 1, 3>, Shape<2, 4, 4>>);
}
