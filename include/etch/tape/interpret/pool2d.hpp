// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <limits>

#include "etch/tape/interpret/step.hpp"

namespace etch::rule {

/// The part of a pooling window that lies in the plane: rows [top, bottom), columns [left, right).
struct Window {
  std::size_t top, bottom, left, right;
};

/// One end of a window, counted from the first padding element, as a position in [0, extent].
constexpr std::size_t clamp_to_plane(std::size_t at, std::size_t padding, std::size_t extent) {
  const std::size_t inside = at > padding ? at - padding : 0;
  return inside < extent ? inside : extent;
}

/// Calls visit(plane, out, window) for each output element of each channel: `plane` is the offset
/// of the channel in the image [C, H, W], `out` that of the element in [C, H', W'].
template <class F>
constexpr void for_each_window(const Attributes& attr, const Dims& image, const Dims& pooled,
                               F visit) {
  std::size_t out = 0;
  for (std::size_t c = 0; c < image[0]; ++c) {
    for (std::size_t i = 0; i < pooled[1]; ++i) {
      const std::size_t y = i * attr.stride[0];
      for (std::size_t j = 0; j < pooled[2]; ++j, ++out) {
        const std::size_t x = j * attr.stride[1];
        visit(c * image[1] * image[2], out,
              Window{clamp_to_plane(y, attr.padding[0], image[1]),
                     clamp_to_plane(y + attr.kernel[0], attr.padding[0], image[1]),
                     clamp_to_plane(x, attr.padding[1], image[2]),
                     clamp_to_plane(x + attr.kernel[1], attr.padding[1], image[2])});
      }
    }
  }
}

inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

/// Where the first maximum of the window lies in row-major order; a NaN wins, the last of several,
/// as in PyTorch. `nowhere` if the window holds padding only.
template <class T>
constexpr std::size_t first_maximum(const T* plane, std::size_t width, const Window& window) {
  std::size_t best = nowhere;
  for (std::size_t i = window.top; i < window.bottom; ++i) {
    for (std::size_t at = i * width + window.left; at < i * width + window.right; ++at) {
      const bool nan = !(plane[at] == plane[at]);
      if (best == nowhere || nan || plane[best] < plane[at]) best = at;
    }
  }
  return best;
}

template <class T> constexpr void max_pool2d(const Step<T>& s) {
  const Dims& image = s.args[0].shape;
  for (std::size_t b = 0; b < s.samples; ++b) {
    for_each_window(s.code.attr, image, s.code.shape,
                    [&image, x = s.args[0].sample(b), y = s.result(b)](
                        std::size_t plane, std::size_t out, const Window& window) {
                      const std::size_t at = first_maximum(x + plane, image[2], window);
                      y[out] = at == nowhere ? T(-std::numeric_limits<double>::infinity())
                                             : x[plane + at];
                    });
  }
}

template <class T> constexpr void max_pool2d_gradient(const Step<T>& s) {
  const Dims& image = s.code.shape;
  s.fill(T(0));
  for (std::size_t b = 0; b < s.samples; ++b) {
    for_each_window(s.code.attr, image, s.args[1].shape,
                    [&image, x = s.args[0].sample(b), g = s.args[1].sample(b), y = s.result(b)](
                        std::size_t plane, std::size_t out, const Window& window) {
                      const std::size_t at = first_maximum(x + plane, image[2], window);
                      if (at != nowhere) y[plane + at] = y[plane + at] + g[out];
                    });
  }
}

template <class T> constexpr void max_pool2d_pick(const Step<T>& s) {
  const Dims& image = s.args[0].shape;
  for (std::size_t b = 0; b < s.samples; ++b) {
    for_each_window(s.code.attr, image, s.code.shape,
                    [&image, x = s.args[0].sample(b), h = s.args[1].sample(b), y = s.result(b)](
                        std::size_t plane, std::size_t out, const Window& window) {
                      const std::size_t at = first_maximum(x + plane, image[2], window);
                      y[out] = at == nowhere ? T(0) : h[plane + at];
                    });
  }
}

template <class T> constexpr T window_size(const Attributes& attr) {
  return T(static_cast<double>(attr.kernel[0] * attr.kernel[1]));
}

template <class T> constexpr void avg_pool2d(const Step<T>& s) {
  const Dims& image = s.args[0].shape;
  const T count = window_size<T>(s.code.attr);
  for (std::size_t b = 0; b < s.samples; ++b) {
    for_each_window(s.code.attr, image, s.code.shape,
                    [&image, &count, x = s.args[0].sample(b), y = s.result(b)](
                        std::size_t plane, std::size_t out, const Window& window) {
                      T total = T(0);
                      for (std::size_t i = window.top; i < window.bottom; ++i) {
                        const T* const line = x + plane + i * image[2];
                        for (std::size_t j = window.left; j < window.right; ++j) {
                          total = total + line[j];
                        }
                      }
                      y[out] = total / count;
                    });
  }
}

template <class T> constexpr void avg_pool2d_gradient(const Step<T>& s) {
  const Dims& image = s.code.shape;
  const T count = window_size<T>(s.code.attr);
  s.fill(T(0));
  for (std::size_t b = 0; b < s.samples; ++b) {
    for_each_window(s.code.attr, image, s.args[0].shape,
                    [&image, &count, g = s.args[0].sample(b), y = s.result(b)](
                        std::size_t plane, std::size_t out, const Window& window) {
                      const T share = g[out] / count;
                      for (std::size_t i = window.top; i < window.bottom; ++i) {
                        T* const line = y + plane + i * image[2];
                        for (std::size_t j = window.left; j < window.right; ++j) {
                          line[j] = line[j] + share;
                        }
                      }
                    });
  }
}

}  // namespace etch::rule
