// SPDX-License-Identifier: BSL-1.0
// The shapes of products, convolutions and pooling.
#include <type_traits>

#include "catch.hpp"
#include "etch/expr/functions.hpp"

namespace {

using namespace etch;

template <std::size_t... extents> inline constexpr Argument<0, Shape<extents...>> x{};
template <std::size_t... extents> inline constexpr Argument<1, Shape<extents...>> w{};

template <std::size_t... extents, Expr X> constexpr bool has_shape(X) {
  return std::is_same_v<ShapeOf<X>, Shape<extents...>>;
}

/// Along one axis: windows of this kernel, stride, padding and dilation over n elements.
template <std::size_t n, std::size_t kernel, std::size_t stride, std::size_t padding,
          std::size_t dilation, std::size_t windows>
constexpr bool conv_gives() {
  constexpr Window2d rows{
      .stride = {stride, 1}, .padding = {padding, 0}, .dilation = {dilation, 1}};
  constexpr Window2d columns{
      .stride = {1, stride}, .padding = {0, padding}, .dilation = {1, dilation}};
  return has_shape<2, windows, 5>(conv2d<rows>(x<3, n, 5>, w<2, 3, kernel, 1>)) &&
         has_shape<2, 5, windows>(conv2d<columns>(x<3, 5, n>, w<2, 3, 1, kernel>));
}

}  // namespace

TEST_CASE("matmul of two matrices") {
  static_assert(has_shape<2, 4>(matmul(x<2, 3>, w<3, 4>)));
  static_assert(has_shape<1, 1>(matmul(x<1, 3>, w<3, 1>)));
  static_assert(has_shape<4, 2>(matmul(transpose(x<3, 4>), transpose(w<2, 3>))));
}

TEST_CASE("matmul takes a vector as a row in front and as a column behind, and drops that axis") {
  static_assert(has_shape<2>(matmul(x<2, 3>, w<3>)));
  static_assert(has_shape<4>(matmul(x<3>, w<3, 4>)));
  static_assert(has_shape<>(matmul(x<3>, w<3>)), "the inner product");
  static_assert(has_shape<5, 2>(matmul(x<5, 2, 3>, w<3>)));
  static_assert(has_shape<5, 4>(matmul(x<3>, w<5, 3, 4>)));
}

TEST_CASE("matmul pairs leading axes, or shares a matrix that has none") {
  static_assert(has_shape<5, 2, 4>(matmul(x<5, 2, 3>, w<5, 3, 4>)));
  static_assert(has_shape<6, 5, 2, 4>(matmul(x<6, 5, 2, 3>, w<6, 5, 3, 4>)));
  static_assert(has_shape<5, 2, 4>(matmul(x<5, 2, 3>, w<3, 4>)));
  static_assert(has_shape<5, 2, 4>(matmul(x<2, 3>, w<5, 3, 4>)));
}

TEST_CASE("conv2d counts windows as PyTorch does") {
  static_assert(conv_gives<8, 3, 1, 0, 1, 6>());
  static_assert(conv_gives<8, 3, 1, 1, 1, 8>(), "padding 1 keeps the size");
  static_assert(conv_gives<8, 3, 2, 0, 1, 3>(), "the last column is left over");
  static_assert(conv_gives<8, 3, 2, 1, 1, 4>());
  static_assert(conv_gives<9, 3, 1, 0, 2, 5>(), "dilated, the kernel covers 5");
  static_assert(conv_gives<9, 3, 2, 2, 2, 5>());
  static_assert(conv_gives<3, 3, 1, 0, 1, 1>() && conv_gives<1, 1, 1, 0, 1, 1>());
  static_assert(conv_gives<2, 5, 3, 2, 1, 1>(), "more padding than image");
}

TEST_CASE("conv2d takes its output channels from the weight, in groups as well") {
  static_assert(has_shape<7, 6, 6>(conv2d<Window2d{}>(x<3, 8, 8>, w<7, 3, 3, 3>)));
  static_assert(has_shape<6, 6, 6>(conv2d<Window2d{.groups = 3}>(x<3, 8, 8>, w<6, 1, 3, 3>)));
  static_assert(has_shape<2, 8, 7>(conv2d<Window2d{}>(x<3, 8, 8>, w<2, 3, 1, 2>)), "not square");
}

TEST_CASE("pooling keeps the channels and counts windows with stride and padding") {
  constexpr Window2d two{.kernel = {2, 2}, .stride = {2, 2}};
  constexpr Window2d three{.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}};
  constexpr Window2d uneven{.kernel = {2, 3}, .stride = {1, 2}, .padding = {0, 1}};
  static_assert(has_shape<5, 4, 4>(max_pool2d<two>(x<5, 8, 8>)));
  static_assert(has_shape<5, 3, 4>(avg_pool2d<two>(x<5, 7, 9>)), "what is left over is not seen");
  static_assert(has_shape<5, 4, 5>(max_pool2d<three>(x<5, 7, 9>)));
  static_assert(has_shape<5, 6, 4>(avg_pool2d<uneven>(x<5, 7, 8>)));
}
