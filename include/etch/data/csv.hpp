// SPDX-License-Identifier: BSL-1.0
/// Tables of numbers in text: comma-separated values.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etch/data/dataset.hpp"
#include "etch/data/file.hpp"
#include "etch/data/number.hpp"
#include "etch/data/result.hpp"

namespace etch {

/// What the columns mean. Classification: `.features = 64, .classes = 10`.
/// Regression: `.features = 8, .targets = 1`.
struct CsvFormat {
  static constexpr std::size_t last = std::numeric_limits<std::size_t>::max();

  std::size_t features = 0;         ///< columns of inputs
  std::size_t classes = 0;          ///< labels are 0..classes-1; 0: there is no label column
  std::size_t targets = 0;          ///< columns of regression targets, instead of a label
  std::size_t label_column = last;  ///< from 0: the label's, or the first target's; `last`: the end
  bool header = false;              ///< the first line is names, skipped
  char separator = ',';
};

namespace detail {

/// Reads line after line into the columns of a dataset; the first fault ends it.
class CsvReader {
 public:
  CsvReader(std::string_view name, CsvFormat format)
      : name_(name),
        format_(format),
        outputs_(format.classes > 0 ? 1 : format.targets),
        columns_(format.features + outputs_),
        first_output_(format.label_column == CsvFormat::last ? format.features
                                                             : format.label_column) {}

  Result<Dataset> read(std::string_view text) {
    if (auto error = format_error()) return *std::move(error);
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (is_blank(text)) return at(1, 1, "the file is empty");

    for (std::size_t line = 1; !text.empty(); ++line) {
      const std::size_t end = text.find('\n');
      std::string_view row = text.substr(0, end);
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
      if (row.ends_with('\r')) row.remove_suffix(1);
      if (line == 1 && format_.header) continue;
      if (is_blank(row) && is_blank(text)) break;
      if (auto error = read_row(line, row)) return *std::move(error);
    }
    if (inputs_.empty()) return at(2, 1, "no rows after the header");
    return format_.classes > 0 ? Dataset::classification(format_.features, format_.classes,
                                                         std::move(inputs_), std::move(labels_))
                               : Dataset::regression(format_.features, format_.targets,
                                                     std::move(inputs_), std::move(targets_));
  }

 private:
  using Fault = std::optional<Error>;

  Error at(std::size_t line, std::size_t column, const std::string& what) const {
    return Error{name_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + what};
  }

  Fault format_error() const {
    if (format_.features == 0) return Error{name_ + ": CsvFormat: features is 0"};
    if ((format_.classes > 0) == (format_.targets > 0)) {
      return Error{name_ + ": CsvFormat: give either classes or targets"};
    }
    if (first_output_ > format_.features) {
      return Error{name_ + ": CsvFormat: label_column " + std::to_string(first_output_) +
                   " is beyond the " + std::to_string(columns_) + " columns"};
    }
    return std::nullopt;
  }

  Fault read_row(std::size_t line, std::string_view row) {
    if (is_blank(row)) return at(line, 1, "blank line before a row");
    std::size_t column = 0;
    for (bool more = true; more; ++column) {
      const std::size_t end = row.find(format_.separator);
      more = end != row.npos;
      if (column == columns_) {
        const std::size_t found = column + 1 + count_separators(row);
        return at(line, column + 1, expected_columns() + std::to_string(found));
      }
      if (auto error = read_field(line, column, row.substr(0, end))) return error;
      if (more) row.remove_prefix(end + 1);
    }
    if (column < columns_) {
      return at(line, column + 1, expected_columns() + std::to_string(column));
    }
    return std::nullopt;
  }

  Fault read_field(std::size_t line, std::size_t column, std::string_view field) {
    const auto fault = [&](const std::string& what) {
      return at(line, column + 1,
                what + " (column " + std::to_string(column + 1) + " of " +
                    std::to_string(columns_) + ")");
    };
    field = trimmed(field);
    if (field.empty()) return fault("empty field");
    const bool is_output = column - first_output_ < outputs_;  // wraps below first_output_
    if (is_output && format_.classes > 0) return read_label(field, fault);

    const auto [value, problem] = parse_number<float>(field);
    if (problem == NumberFault::not_a_number) return fault(quoted(field) + " is not a number");
    if (problem == NumberFault::not_finite) return fault(quoted(field) + " is not finite");
    (is_output ? targets_ : inputs_).push_back(value);
    return std::nullopt;
  }

  /// Written as 3, 3.0 or 3e0: NumPy's `savetxt` writes integers as floats.
  template <class MakeFault>
  Fault read_label(std::string_view field, const MakeFault& fault) {
    const auto [value, problem] = parse_number<double>(field);
    const std::string label = "label " + quoted(field);
    if (problem == NumberFault::not_a_number) return fault(label + " is not a number");
    if (problem == NumberFault::not_finite) return fault(label + " is not finite");
    if (value != std::floor(value)) return fault(label + " is not an integer");
    if (value < 0 || value >= static_cast<double>(format_.classes)) {
      return fault(label + " is out of range 0.." + std::to_string(format_.classes - 1));
    }
    labels_.push_back(static_cast<std::uint32_t>(value));
    return std::nullopt;
  }

  std::string expected_columns() const {
    return "expected " + std::to_string(columns_) + " columns, found ";
  }

  std::size_t count_separators(std::string_view row) const {
    std::size_t count = 0;
    for (const char c : row) count += c == format_.separator ? 1u : 0u;
    return count;
  }

  static bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == text.npos;
  }

  static std::string_view trimmed(std::string_view field) {
    const std::size_t first = field.find_first_not_of(" \t");
    if (first == field.npos) return {};
    return field.substr(first, field.find_last_not_of(" \t") - first + 1);
  }

  /// At most 32 characters, what does not print replaced, so that any bytes can be shown.
  static std::string quoted(std::string_view field) {
    std::string text(field.substr(0, 32));
    for (char& c : text) c = c >= ' ' && c <= '~' ? c : '?';
    return "'" + text + (field.size() > 32 ? "...'" : "'");
  }

  std::string name_;
  CsvFormat format_;
  std::size_t outputs_, columns_, first_output_;
  std::vector<float> inputs_, targets_;
  std::vector<std::uint32_t> labels_;
};

}  // namespace detail

/// The dataset in `text`; `name` stands for the file in errors. Lines end in LF or CRLF, the last
/// one with or without; a UTF-8 byte order mark, blank lines at the end, and spaces and tabs
/// around a field are fine. Every field must be a finite number and every label an integer in
/// 0..classes-1; the first that is not, or a row of another length, is the error:
/// "digits.csv:17:5: 'x3' is not a number (column 5 of 65)", with line and column from 1.
inline Result<Dataset> parse_csv(std::string_view text, std::string_view name, CsvFormat format) {
  return detail::CsvReader(name, format).read(text);
}

/// `parse_csv` of a file. Error also where it is missing or cannot be read.
inline Result<Dataset> read_csv(const std::string& path, CsvFormat format) {
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  return parse_csv(*text, path, format);
}

}  // namespace etch
