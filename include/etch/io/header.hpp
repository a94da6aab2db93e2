// SPDX-License-Identifier: BSL-1.0
/// Weights as a C++ header, to be compiled into a program; the way back is `embedded_parameters`.
#pragma once

#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

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
  return "[" + dims_text(index) + "]";
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

constexpr bool is_identifier(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  for (const char c : text) {
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  }
  return !text.empty() && letter(text[0]);
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

inline Result<void> write_file(const std::string& path, std::string_view bytes) {
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  bool written = file != nullptr;
  if (written) written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const int reason = errno;
  if (file != nullptr && std::fclose(file) != 0 && written) {
    return Error{path + ": cannot be written: " + std::generic_category().message(errno)};
  }
  if (written) return {};
  return Error{path + (file == nullptr ? ": cannot be opened for writing: " : ": cannot be written: ") +
               std::generic_category().message(reason)};
}

}  // namespace detail

/// The text that `write_header` writes.
template <class Net>
Result<std::string> header_text(const Parameters<Net>& parameters,
                                const HeaderOptions& options = {}) {
  if (const auto names = detail::check_names(options); !names) return names.error();
  std::string rows, data, extras;
  Result<void> result;
  parameters.for_each([&](const ParameterInfo& info, auto tensor) {
    if (!result) return;
    const std::string name(info.name.view()), shape = detail::dims_text(info.shape);
    rows += "\n      {\"" + name + "\", {" + std::to_string(info.shape.rank) + ", {" + shape + "}}},";
    data += "\n    // " + name + " [" + shape + "]";
    result = detail::append_floats(data, name, info.shape, [&](std::size_t i) { return tensor[i]; });
  });
  for (const NamedFloats& extra : options.extra) {
    if (!result) break;
    const std::string count = std::to_string(extra.values.size());
    extras += "\ninline constexpr std::array<float, " + count + "> " + extra.name + "{";
    result = detail::append_floats(extras, extra.name, Dims{1, {extra.values.size()}},
                                   [&](std::size_t i) { return extra.values[i]; });
    extras += "};\n";
  }
  if (!result) return result.error();

  const std::string type = options.name + "_type";
  const std::string count = std::to_string(parameter_count<Net>);
  const std::string tensors = std::to_string(parameter_table<Net>.size());
  return "// Written by etch::write_header: " + count + " weights in " + tensors +
         " tensors. Do not edit.\n// clang-format off\n#pragma once\n\n#include <array>\n"
         "#include <etch/io/embedded.hpp>\n\nnamespace " + options.name_space + " {\n\n"
         "/// To be passed to etch::embedded_parameters<Net>.\nstruct " + type + " {\n"
         "  /// Name and shape of each tensor, as in PyTorch's state_dict.\n"
         "  static constexpr std::array<etch::EmbeddedTensor, " + tensors + "> tensors{{" + rows +
         "\n  }};\n"
         "  /// Their elements, row-major; hexadecimal, hence exact.\n"
         "  static constexpr std::array<float, " + count + "> data{" + data + "\n  };\n};\n"
         "inline constexpr " + type + " " + options.name + "{};\n" + extras +
         "\n}  // namespace " + options.name_space + "\n";
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
  return detail::write_file(path, *text);
}

}  // namespace etch
