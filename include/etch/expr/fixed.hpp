// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

// Small arrays for values that are template arguments. g++ 12 leaves zeros inside of an array out
// of the mangled name, so that {0, 1} and {1, 0} would become one function; members it keeps apart.

namespace etch {

template <class T> struct Array2 {
  T first{}, second{};

  constexpr T& operator[](std::size_t i) { return i == 0 ? first : second; }
  constexpr const T& operator[](std::size_t i) const { return i == 0 ? first : second; }
  constexpr bool operator==(const Array2&) const = default;
};

template <class T> struct Array3 {
  T first{}, second{}, third{};

  constexpr T& operator[](std::size_t i) { return i == 0 ? first : i == 1 ? second : third; }
  constexpr const T& operator[](std::size_t i) const {
    return i == 0 ? first : i == 1 ? second : third;
  }
  constexpr bool operator==(const Array3&) const = default;
};

template <class T> struct Array6 {
  Array3<T> front{}, back{};

  constexpr T& operator[](std::size_t i) { return i < 3 ? front[i] : back[i - 3]; }
  constexpr const T& operator[](std::size_t i) const { return i < 3 ? front[i] : back[i - 3]; }
  constexpr bool operator==(const Array6&) const = default;
};

}  // namespace etch
