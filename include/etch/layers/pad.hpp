// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>

#include "etch/expr/functions.hpp"
#include "etch/layers/image.hpp"
#include "etch/layers/options.hpp"

namespace etch {

/// Elements to be added at both ends of a sequence; one number means both.
struct Sides1d {
  std::size_t left = 0, right = 0;

  // NOLINTNEXTLINE(google-explicit-constructor): as PyTorch's padding
  constexpr Sides1d(std::size_t n) : left(n), right(n) {}
  constexpr Sides1d(std::size_t l, std::size_t r) : left(l), right(r) {}
};

/// Elements to be added around an image, in PyTorch's order; one number means all sides.
struct Sides2d {
  std::size_t left = 0, right = 0, top = 0, bottom = 0;

  // NOLINTNEXTLINE(google-explicit-constructor): as PyTorch's padding
  constexpr Sides2d(std::size_t n) : left(n), right(n), top(n), bottom(n) {}
  constexpr Sides2d(std::size_t l, std::size_t r, std::size_t t, std::size_t b)
      : left(l), right(r), top(t), bottom(b) {}
};

namespace detail {

constexpr Sides2d of_image(Sides1d s) { return {s.left, s.right, 0, 0}; }

/// 1 at the n positions from `before` on, else 0.
template <std::size_t before, std::size_t n, std::size_t after> constexpr auto positions_inside() {
  const auto i = iota<before + n + after>;
  return (i >= whole<before>) * (i < whole<before + n>);
}

template <std::size_t axes, Sides2d s, double value> struct ConstantPad {
  template <class S> static constexpr auto fits() {
    return Verdict<S::rank == axes + 1, AnyShapeOfRank<axes + 1>, S>{};
  }
  template <Expr X> static constexpr auto formula(X x) {
    constexpr Dims image = image_dims<ShapeOf<X>::dims>();
    const auto y = pad<1, s.top, s.bottom>(pad<2, s.left, s.right>(as_image(x)));
    if constexpr (value == 0) {
      return from_image<axes>(y);
    } else {
      constexpr std::size_t rows = s.top + image[1] + s.bottom;
      const auto row = reshape<Shape<rows, 1>>(positions_inside<s.top, image[1], s.bottom>());
      const auto column = positions_inside<s.left, image[2], s.right>();
      return from_image<axes>(where(row * column, y, constant<value>));
    }
  }
};

/// The slices x[first], x[first - 1], ... along an axis.
template <int axis, std::size_t first, Expr X, std::size_t... i>
constexpr auto backwards(X x, std::index_sequence<i...>) {
  return concat<axis>(slice<axis, first - i, first - i + 1>(x)...);
}

/// Joins what stands before x, x, and what stands behind it; either may be missing (`None`).
struct None {};
template <int axis, class A, Expr X, class B> constexpr auto enclose(A before, X x, B after) {
  if constexpr (!Expr<A> && !Expr<B>) return x;
  else if constexpr (!Expr<A>) return concat<axis>(x, after);
  else if constexpr (!Expr<B>) return concat<axis>(before, x);
  else return concat<axis>(before, x, after);
}

/// How an axis goes on beyond its ends: mirrored, the outermost element not twice.
struct Mirrored {
  static constexpr std::size_t least(std::size_t before, std::size_t after) {
    return 1 + (before > after ? before : after);
  }
  template <int axis, std::size_t count, Expr X> static constexpr auto before(X x) {
    if constexpr (count == 0) return None{};
    else return backwards<axis, count>(x, std::make_index_sequence<count>{});
  }
  template <int axis, std::size_t count, Expr X> static constexpr auto after(X x) {
    if constexpr (count == 0) return None{};
    else return backwards<axis, extent_of<axis>(X{}) - 2>(x, std::make_index_sequence<count>{});
  }
};

/// ... or as its outermost element, again and again.
struct Repeated {
  static constexpr std::size_t least(std::size_t, std::size_t) { return 1; }

  template <int axis, std::size_t at, std::size_t count, Expr X>
  static constexpr auto copies([[maybe_unused]] X x) {
    if constexpr (count == 0) {
      return None{};
    } else {
      constexpr Dims dims = [] {
        Dims d = ShapeOf<X>::dims;
        d.extent[axis] = count;
        return d;
      }();
      return broadcast_to<ShapeFrom<dims>>(slice<axis, at, at + 1>(x));
    }
  }
  template <int axis, std::size_t count, Expr X> static constexpr auto before(X x) {
    return copies<axis, 0, count>(x);
  }
  template <int axis, std::size_t count, Expr X> static constexpr auto after(X x) {
    return copies<axis, extent_of<axis>(X{}) - 1, count>(x);
  }
};

template <std::size_t axes, Sides2d s, class Ends> struct EdgePad {
  template <class S> static constexpr auto fits() {
    constexpr std::size_t rows = Ends::least(s.top, s.bottom);
    constexpr std::size_t columns = Ends::least(s.left, s.right);
    if constexpr (S::rank != axes + 1) return Misfit<AnyShapeOfRank<axes + 1>, S>{};
    else if constexpr (image_dims<S::dims>()[1] < rows) return Misfit<AxisOfAtLeast<1, rows>, S>{};
    else return Verdict<(S::dims[axes] >= columns), AxisOfAtLeast<axes, columns>, S>{};
  }

  template <int axis, std::size_t before, std::size_t after, Expr X>
  static constexpr auto extend(X x) {
    return enclose<axis>(Ends::template before<axis, before>(x), x,
                         Ends::template after<axis, after>(x));
  }
  template <Expr X> static constexpr auto formula(X x) {
    const auto wide = extend<2, s.left, s.right>(as_image(x));
    return from_image<axes>(extend<1, s.top, s.bottom>(wide));
  }
};

}  // namespace detail

/// A constant around the sample, as torch.nn.ConstantPad1d: [C, L] -> [C, left + L + right].
/// ConstantPad1d<{1, 2}, 0.5>.
template <Sides1d padding, double value>
struct ConstantPad1d : detail::ConstantPad<1, detail::of_image(padding), value> {};
/// ... as torch.nn.ConstantPad2d: [C, H, W] -> [C, top + H + bottom, left + W + right].
template <Sides2d padding, double value>
struct ConstantPad2d : detail::ConstantPad<2, padding, value> {};
/// Zeros around the image, as torch.nn.ZeroPad2d: ZeroPad2d<{left, right, top, bottom}>.
template <Sides2d padding> struct ZeroPad2d : detail::ConstantPad<2, padding, 0.0> {};

/// The sample mirrored at its edges, as torch.nn.ReflectionPad1d; each side is smaller than L.
template <Sides1d padding>
struct ReflectionPad1d : detail::EdgePad<1, detail::of_image(padding), detail::Mirrored> {};
/// ... as torch.nn.ReflectionPad2d; each side is smaller than the extent along it.
template <Sides2d padding>
struct ReflectionPad2d : detail::EdgePad<2, padding, detail::Mirrored> {};

/// The outermost elements repeated, as torch.nn.ReplicationPad1d.
template <Sides1d padding>
struct ReplicationPad1d : detail::EdgePad<1, detail::of_image(padding), detail::Repeated> {};
/// ... as torch.nn.ReplicationPad2d.
template <Sides2d padding>
struct ReplicationPad2d : detail::EdgePad<2, padding, detail::Repeated> {};

}  // namespace etch
