// SPDX-License-Identifier: BSL-1.0
/// Decimal text to a finite floating-point number, independent of the locale.
#pragma once

#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace etch {

enum class NumberFault { none, not_a_number, not_finite };

/// `value` is meaningful where `fault` is `none`.
template <class T>
struct ParsedNumber {
  T value{};
  NumberFault fault = NumberFault::none;
};

namespace detail {

/// Through C's `strtof` and `strtod`: for standard libraries without `from_chars` for floats
/// (libc++ before 20), and to tell underflow, which is a number, from overflow, which is not.
template <class T>
ParsedNumber<T> parse_with_strtod(std::string_view text) {
  // Digits and the letters of inf, infinity and nan: C would also take leading space,
  // hexadecimal, nan(...) and the locale's decimal point.
  constexpr std::string_view allowed = "0123456789+-.eEinfatyINFATY";
  if (text.empty() || text.find_first_not_of(allowed) != std::string_view::npos) {
    return {{}, NumberFault::not_a_number};
  }
  std::string copy(text);
  const char* const point = std::localeconv()->decimal_point;
  if (const std::size_t at = copy.find('.'); at != std::string::npos) copy.replace(at, 1, point);

  char* end = nullptr;
  T value{};
  if constexpr (std::is_same_v<T, float>) {
    value = std::strtof(copy.c_str(), &end);
  } else {
    value = std::strtod(copy.c_str(), &end);
  }
  if (end != copy.c_str() + copy.size()) return {{}, NumberFault::not_a_number};
  return {value, std::isfinite(value) ? NumberFault::none : NumberFault::not_finite};
}

#if defined(__cpp_lib_to_chars)
template <class T>
ParsedNumber<T> parse_plain(std::string_view text) {
  T value{};
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data(), last, value);
  if (code == std::errc::invalid_argument || end != last) return {{}, NumberFault::not_a_number};
  if (code == std::errc::result_out_of_range) return parse_with_strtod<T>(text);
  return {value, std::isfinite(value) ? NumberFault::none : NumberFault::not_finite};
}
#else
template <class T>
ParsedNumber<T> parse_plain(std::string_view text) {
  return parse_with_strtod<T>(text);
}
#endif

}  // namespace detail

/// The whole of `text` as a decimal number, rounded to nearest; a leading `+` is accepted.
/// Too small to be represented becomes 0 or a denormal. `nan`, `inf` and overflow are
/// `not_finite`; anything else, also with surrounding space, is `not_a_number`.
template <class T>
ParsedNumber<T> parse_number(std::string_view text) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  if (text.size() > 1 && text[0] == '+') {
    text.remove_prefix(1);
    if (text[0] == '+' || text[0] == '-') return {{}, NumberFault::not_a_number};
  }
  return detail::parse_plain<T>(text);
}

}  // namespace etch
