// SPDX-License-Identifier: BSL-1.0
/// A value or the reason why there is none: what every loader returns.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace etch {

/// What went wrong, as one sentence for a person: where (file, line, tensor), expected, found.
struct Error {
  std::string message;
};

namespace detail {

#if defined(__cpp_exceptions)
[[noreturn]] inline void raise(const std::string& message) { throw std::runtime_error(message); }
#else
[[noreturn]] inline void raise(const std::string& message) {
  std::fprintf(stderr, "etch: %s\n", message.c_str());
  std::abort();
}
#endif

}  // namespace detail

/// Holds a `T` or an `Error`, never both and never neither. Modelled on C++23's `std::expected`.
/// `*` and `->` require a value; `value()` checks, and without one throws `std::runtime_error`
/// with the message (built without exceptions: prints the message and aborts).
template <class T>
class [[nodiscard]] Result {
  static_assert(std::is_object_v<T> && !std::is_same_v<T, Error>,
                "etch: Result<T> holds an object that is not itself an Error");

 public:
  using value_type = T;

  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  bool has_value() const noexcept { return value_.has_value(); }

  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return std::move(*value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

  T& value() & { return check(), *value_; }
  const T& value() const& { return check(), *value_; }
  T&& value() && { return check(), std::move(*value_); }

  /// The reason; its message is empty where there is a value.
  const Error& error() const noexcept { return error_; }

 private:
  void check() const {
    if (!value_) detail::raise(error_.message);
  }

  std::optional<T> value_;
  Error error_;
};

/// Success without a value, or the reason for the failure: what a writer returns.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}

  explicit operator bool() const noexcept { return !failed_; }
  bool has_value() const noexcept { return !failed_; }
  void value() const {
    if (failed_) detail::raise(error_.message);
  }
  const Error& error() const noexcept { return error_; }

 private:
  bool failed_ = false;
  Error error_;
};

}  // namespace etch
