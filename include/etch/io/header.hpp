// SPDX-License-Identifier: BSL-1.0
/// Weights as a C++ header, to be compiled into a program; the way back is `embedded_parameters`.
/// A hundred thousand weights and the way back, in the compiler, cost g++ 12 and clang 19 about
/// half a second: cmake --workflow --preset compile-time measures it.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etch/data/file.hpp"
#include "etch/data/result.hpp"
#include "etch/network/parameters.hpp"

namespace etch {

/// Floats that go into a header beside the weights, for example the normalisation of the inputs.
struct NamedFloats {
  std::string name;
  std::span<const float> values;
};

struct HeaderOptions {
  std::string name_space = "model";  ///< may be nested: "app::digits"
  std::string name = "weights";      ///< the object to pass to `embedded_parameters`
  std::vector<NamedFloats> extra{};  ///< each becomes a `constexpr std::array<float, n>`
};

namespace detail {

/// An exact literal such as -0x1.8p-3f, by the C++ grammar and independent of the locale.
/// Requires a finite number.
inline void append_hex_float(std::string& out, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const int biased = static_cast<int>(bits >> 23 & 0xFF);
  std::uint32_t fraction = (bits & 0x7FFFFF) << 1;  // six hexadecimal digits
  const bool zero = biased == 0 && fraction == 0;
  if (bits >> 31) out += '-';
  out += biased == 0 ? "0x0" : "0x1";
  if (fraction != 0) out += '.';
  for (; fraction != 0; fraction = fraction << 4 & 0xFFFFFF) {
    out += "0123456789abcdef"[fraction >> 20];
  }
  out += 'p';
  out += std::to_string(zero ? 0 : biased == 0 ? -126 : biased - 127);
  out += 'f';
}

/// Eight bits of exponent, all set, mean infinity or NaN: unlike std::isfinite this holds under
/// -ffinite-math-only too.
inline bool has_finite_bits(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7F800000) != 0x7F800000;
}

inline std::string dims_text(const Dims& shape) {
  std::string text;
  for (std::size_t i = 0; i < shape.rank; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text;
}

/// [3, 0, 7], the place of the i-th element.
inline std::string index_text(const Dims& shape, std::size_t i) {
  Dims index = shape;
  for (std::size_t axis = shape.rank; axis-- > 0; i /= shape[axis]) {
    index.extent[axis] = i % shape[axis];
  }
  return std::string("[").append(dims_text(index)).append("]");  // "[" + is a false alarm of g++ 12
}

/// Appends n numbers, in lines of at most 100 columns. `at(i)` is the i-th.
template <class At>
Result<void> append_floats(std::string& out, const std::string& name, const Dims& shape, At at) {
  constexpr std::size_t columns = 100;
  std::string literal;
  std::size_t column = columns;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const float value = at(i);
    if (!has_finite_bits(value)) {
      return Error{name + ": element " + index_text(shape, i) + " is " +
                   (std::isnan(value) ? "NaN" : "infinite") + ", a header takes finite numbers"};
    }
    literal.clear();
    append_hex_float(literal, value);
    const bool wrap = column + literal.size() + 2 > columns;
    if (wrap) column = 3;
    out += wrap ? "\n    " : " ";
    out += literal;
    out += ',';
    column += literal.size() + 2;
  }
  return {};
}

/// Words of C++20, some of them for operators, that cannot be names.
inline constexpr auto keywords = std::to_array<std::string_view>(
    {"alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break",
     "case", "catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return",
     "co_yield", "compl", "concept", "const", "const_cast", "consteval", "constexpr", "constinit",
     "continue", "decltype", "default", "delete", "do", "double", "dynamic_cast", "else", "enum",
     "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if", "inline",
     "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
     "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
     "requires", "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast",
     "struct", "switch", "template", "this", "thread_local", "throw", "true", "try", "typedef",
     "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile", "wchar_t",
     "while", "xor", "xor_eq"});

constexpr bool is_identifier(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  for (const char c : text) {
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  }
  return !text.empty() && letter(text[0]) && std::ranges::find(keywords, text) == keywords.end();
}

inline bool is_namespace(std::string_view text) {
  for (;;) {
    const std::size_t colons = text.find("::");
    if (!is_identifier(text.substr(0, colons))) return false;
    if (colons == std::string_view::npos) return true;
    text.remove_prefix(colons + 2);
  }
}

inline Result<void> check_names(const HeaderOptions& options) {
  if (!is_namespace(options.name_space)) {
    return Error{"'" + options.name_space + "' cannot be the name of a C++ namespace"};
  }
  std::set<std::string> taken;
  const auto check = [&taken](const std::string& name) -> Result<void> {
    if (!is_identifier(name)) return Error{"'" + name + "' cannot be the name of a C++ variable"};
    if (!taken.insert(name).second) return Error{"two variables are called '" + name + "'"};
    return {};
  };
  Result<void> result = check(options.name);
  taken.insert(options.name + "_type");
  for (const NamedFloats& extra : options.extra) {
    if (result) result = check(extra.name);
  }
  return result;
}

// Global names, as the namespace that is asked for may have an etch or std inside of it.
inline constexpr std::string_view header_skeleton =
    R"(// Written by etch::write_header: @count@ weights in @tensors@ tensors. Do not edit.
// clang-format off
#pragma once

#include <array>
#include <etch/io/embedded.hpp>

namespace @namespace@ {

/// To be passed to etch::embedded_parameters<Net>.
struct @name@_type {
  /// Name and shape of each tensor, as in PyTorch's state_dict.
  static constexpr ::std::array<::etch::EmbeddedTensor, @tensors@> tensors{{@rows@
  }};
  /// Their elements, row-major; hexadecimal, hence exact.
  static constexpr float data[@count@]{@data@
  };
};
inline constexpr @name@_type @name@{};
@extras@
}  // namespace @namespace@
)";

/// The skeleton with each @key@ replaced. Requires that no key is missing.
inline std::string filled_skeleton(const std::map<std::string_view, std::string>& values) {
  std::string text;
  std::string_view rest = header_skeleton;
  for (std::size_t at = rest.find('@'); at != std::string_view::npos; at = rest.find('@')) {
    text += rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const std::size_t end = rest.find('@');
    text += values.at(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return text += rest;
}

}  // namespace detail

/// The text that `write_header` writes.
template <class Net>
Result<std::string> header_text(const Parameters<Net>& parameters,
                                const HeaderOptions& options = {}) {
  static_assert(!Net::valid || tensor_floats<Net> > 0, "etch: the network has no weights");
  std::string rows, data, extras;
  Result<void> result = detail::check_names(options);
  parameters.for_each([&](const ParameterInfo& info, auto tensor) {
    if (!result) return;
    const std::string name(info.name.view()), dims = detail::dims_text(info.shape);
    const std::string rank = std::to_string(info.shape.rank);
    rows += "\n      {\"" + name + "\", {" + rank + ", {" + dims + "}}},";
    data += "\n    // " + name + " [" + dims + "]";
    result = detail::append_floats(data, name, info.shape,
                                   [&](std::size_t i) { return tensor[i]; });
  });
  for (const NamedFloats& extra : options.extra) {
    if (!result) break;
    const Dims shape{1, {extra.values.size()}};
    const std::string type = "::std::array<float, " + detail::dims_text(shape) + ">";
    extras += "inline constexpr " + type + " " + extra.name + "{";
    result = detail::append_floats(extras, extra.name, shape,
                                   [&](std::size_t i) { return extra.values[i]; });
    extras += extra.values.empty() ? "};\n" : "\n};\n";
  }
  if (!result) return result.error();
  return detail::filled_skeleton({{"count", std::to_string(tensor_floats<Net>)},
                                  {"tensors", std::to_string(detail::float_rows<Net>().size())},
                                  {"namespace", options.name_space},
                                  {"name", options.name},
                                  {"rows", std::move(rows)},
                                  {"data", std::move(data)},
                                  {"extras", std::move(extras)}});
}

/// Writes the weights, bit by bit, as constants of a C++ header, in the layout of `state_dict`
/// whatever way the library stores them. Errors: "path: ..." where a name is not C++, a number is
/// NaN or infinite (says which), or the file cannot be written; only in the last case the file is
/// touched.
template <class Net>
Result<void> write_header(const Parameters<Net>& parameters, const std::string& path,
                          const HeaderOptions& options = {}) {
  const Result<std::string> text = header_text(parameters, options);
  if (!text) return Error{path + ": " + text.error().message};
  return write_file(path, *text);
}

}  // namespace etch
