// SPDX-License-Identifier: BSL-1.0
/// What the terminal can do. Where nothing is known the answers are no, no and 80.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/ioctl.h>
#include <unistd.h>
#elif defined(_WIN32)
#include <io.h>
#endif

namespace etch {

namespace detail {

inline std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace detail

#if defined(__unix__) || defined(__APPLE__)

/// Whether a line on it can be redrawn.
inline bool is_terminal(std::FILE* file) {
  return isatty(fileno(file)) == 1 && detail::environment("TERM") != "dumb";
}

/// Columns of a line; it changes when the user resizes the window.
inline std::size_t terminal_columns(std::FILE* file) {
  winsize size{};
  const bool known = ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

#elif defined(_WIN32)

inline bool is_terminal(std::FILE* file) { return _isatty(_fileno(file)) != 0; }
inline std::size_t terminal_columns(std::FILE*) { return 80; }

#else

inline bool is_terminal(std::FILE*) { return false; }
inline std::size_t terminal_columns(std::FILE*) { return 80; }

#endif

/// Whether the user's locale says UTF-8. The environment is asked, by POSIX's order of precedence:
/// the C locale, which programs start in, says nothing.
inline bool is_utf8_locale() {
  std::string_view locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (locale.empty()) locale = detail::environment(name);
  }
  const std::size_t dot = locale.find('.');
  const std::string_view codeset = locale.substr(dot == locale.npos ? locale.size() : dot + 1);
  for (const std::string_view utf8 : {"UTF-8", "utf-8", "UTF8", "utf8"}) {
    if (codeset.starts_with(utf8)) return true;
  }
  return false;
}

}  // namespace etch
