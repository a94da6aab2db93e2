// SPDX-License-Identifier: BSL-1.0
/// Weights in the safetensors format of Hugging Face, with the keys, shapes and layouts of
/// PyTorch's `state_dict`:
///
///     safetensors.torch.save_file(net.state_dict(), "digits.safetensors")       # Python
///     etch::read_safetensors("digits.safetensors", model.parameters()).value();
///
/// The only header that needs nlohmann's json (Debian: nlohmann-json3-dev).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etch/data/file.hpp"
#include "etch/io/tensor_file.hpp"

namespace etch {

namespace detail {

struct SafetensorsRow {
  std::string name{};
  std::string dtype{};
  FileShape shape{};
  FileShape offsets{};  ///< begin and end among the bytes behind the header
};

/// Takes what the JSON parser meets, in place of a document: duplicate keys do not get lost, and
/// the first thing that is not as the format wants it stops the parser.
class SafetensorsHeader {
 public:
  using Json = nlohmann::json;

  std::vector<SafetensorsRow> rows{};
  std::string fault{};  ///< why the parser was stopped

  bool null() { return refuse(); }
  bool boolean(bool) { return refuse(); }
  bool number_integer(Json::number_integer_t) { return refuse(); }  // those below zero
  bool number_float(Json::number_float_t, const Json::string_t&) { return refuse(); }
  bool binary(Json::binary_t&) { return refuse(); }

  bool number_unsigned(Json::number_unsigned_t value) {
    if (level_ != Level::array) return refuse();
    (field_ == "shape" ? rows.back().shape : rows.back().offsets).push_back(value);
    return true;
  }

  bool string(Json::string_t& value) {
    if (level_ == Level::entry && metadata_) return true;
    if (level_ != Level::entry || field_ != "dtype") return refuse();
    rows.back().dtype = std::move(value);
    return true;
  }

  bool start_object(std::size_t) {
    if (level_ != Level::outside && level_ != Level::top) return refuse();
    level_ = level_ == Level::outside ? Level::top : Level::entry;
    return true;
  }

  bool key(Json::string_t& name) {
    if (level_ == Level::top) {
      metadata_ = name == "__metadata__";
      fields_.clear();
      if (!metadata_) rows.push_back({std::move(name)});
    } else if (!metadata_) {
      field_ = std::move(name);
      if (field_ != "dtype" && field_ != "shape" && field_ != "data_offsets") return refuse();
      if (std::ranges::find(fields_, field_) != fields_.end()) return refuse();
      fields_.push_back(field_);
    }
    return true;
  }

  bool end_object() {
    if (level_ == Level::entry && !metadata_ &&
        (fields_.size() != 3 || rows.back().offsets.size() != 2)) {
      return refuse();
    }
    level_ = level_ == Level::entry ? Level::top : Level::outside;
    return true;
  }

  bool start_array(std::size_t) {
    if (level_ != Level::entry || metadata_ || field_ == "dtype") return refuse();
    level_ = Level::array;
    return true;
  }
  bool end_array() {
    level_ = Level::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception&) {
    fault = "the header is not JSON at its byte " + std::to_string(position);
    return false;
  }

 private:
  enum class Level : unsigned char { outside, top, entry, array };

  bool refuse() {
    if (level_ == Level::outside) {
      fault = "the header is no JSON object";
    } else if (metadata_) {
      fault = "__metadata__ in the header is no object of strings";
    } else {
      fault = "the header does not say of '" + shown(rows.back().name) +
              "' just dtype (a string), shape and data_offsets (whole numbers, the latter two)";
    }
    return false;
  }

  Level level_ = Level::outside;
  bool metadata_ = false;
  std::string field_{};
  std::vector<std::string> fields_{};  ///< those of this tensor so far
};

constexpr Encoding safetensors_encoding(std::string_view dtype) {
  if (dtype == "F32") return Encoding::f32;
  if (dtype == "F16") return Encoding::f16;
  if (dtype == "BF16") return Encoding::bf16;
  if (dtype == "F64") return Encoding::f64;
  return Encoding::other;
}

/// The tensors as they lie in the bytes behind the header, which they must cover without gap or
/// overlap.
inline Result<std::vector<FileTensor>> safetensors_tensors(std::vector<SafetensorsRow> rows,
                                                           std::string_view data) {
  std::ranges::sort(rows, {}, &SafetensorsRow::offsets);
  std::vector<FileTensor> tensors;
  std::size_t covered = 0;
  for (SafetensorsRow& row : rows) {
    const std::uint64_t begin = row.offsets[0], end = row.offsets[1];
    const std::string where = "'" + shown(row.name) + "' is said to be at bytes " +
                              std::to_string(begin) + " to " + std::to_string(end);
    if (begin != covered) {
      return Error{where + ", but the tensor before it ends at " + std::to_string(covered)};
    }
    if (end < begin || end > data.size()) {
      return Error{where + ", but there are " + std::to_string(data.size())};
    }
    const Encoding encoding = safetensors_encoding(row.dtype);
    if (encoding != Encoding::other && byte_count(row.shape, encoding) != end - begin) {
      return Error{where + ", but its shape is " + shape_text(row.shape) + " of " + row.dtype};
    }
    tensors.push_back({std::move(row.name), std::move(row.dtype), encoding, std::move(row.shape),
                       false, data.substr(covered, static_cast<std::size_t>(end - begin))});
    covered = static_cast<std::size_t>(end);
  }
  if (covered != data.size()) {
    return Error{"the tensors end at byte " + std::to_string(covered) + " of " +
                 std::to_string(data.size()) + " behind the header"};
  }
  return tensors;
}

/// What the file holds, as views into `bytes`.
inline Result<std::vector<FileTensor>> parse_safetensors(std::string_view bytes) {
  constexpr std::size_t prefix = 8;
  constexpr std::uint64_t most = 100'000'000;  // as in the reference implementation
  if (bytes.size() < prefix) {
    return Error{"no safetensors file: it has " + std::to_string(bytes.size()) + " bytes"};
  }
  const std::uint64_t length = little_endian(bytes.substr(0, prefix));
  bytes.remove_prefix(prefix);
  if (length > bytes.size() || length > most) {
    return Error{"no safetensors file, or a part of one: the header is said to have " +
                 std::to_string(length) + " bytes, there are " + std::to_string(bytes.size())};
  }
  const auto size = static_cast<std::size_t>(length);
  SafetensorsHeader header;
  const std::string_view text = bytes.substr(0, size);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &header)) {
    return Error{std::move(header.fault)};
  }
  return safetensors_tensors(std::move(header.rows), bytes.substr(size));
}

inline Result<void> load_safetensors(std::span<const PlacedParameter> wanted, float* parameters,
                                     std::string_view bytes, const KeyNames& names) {
  const Result<std::vector<FileTensor>> tensors = parse_safetensors(bytes);
  if (!tensors) return tensors.error();
  const Result<std::vector<Match>> matches = matched(wanted, *tensors, names);
  if (!matches) return matches.error();
  return fill(*matches, *tensors, parameters);
}

/// As the reference implementation orders and pads it: larger numbers first, then by name; the
/// bytes of the tensors begin at a multiple of eight.
inline std::string safetensors_bytes(std::span<const PlacedParameter> rows, const float* data,
                                     const KeyNames& names) {
  std::vector<StateEntry> entries = state_entries(rows, names);
  std::ranges::sort(entries, {}, [](const StateEntry& entry) {
    return std::pair(entry.parameter != nullptr, std::string_view(entry.name));
  });
  std::string header = R"({"__metadata__":{"format":"pt"})", tensors;
  for (const auto& [name, row] : entries) {
    const std::string begin = std::to_string(tensors.size());
    if (row != nullptr) append_tensor(tensors, *row, data);
    else append_little_endian(tensors, 0, 8);
    const auto replace = nlohmann::json::error_handler_t::replace;  // and do not throw
    header += "," + nlohmann::json(name).dump(-1, ' ', false, replace) + R"(:{"dtype":)" +
              (row != nullptr ? R"("F32")" : R"("I64")") + R"(,"shape":[)";
    if (row != nullptr) header += listed(file_shape(row->info.shape), ",");
    header += R"(],"data_offsets":[)" + begin + "," + std::to_string(tensors.size()) + "]}";
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  std::string bytes;
  append_little_endian(bytes, header.size(), 8);
  return bytes.append(header).append(tensors);
}

}  // namespace detail

/// The weights in the bytes of a safetensors file; `name` stands for the file in errors. F32, F16,
/// BF16 and F64 are converted, doubles beyond the range of float to infinity; key and shape must be
/// those of the network, except that the counts of batches of PyTorch's batch norms
/// (num_batches_tracked beside a running_var) are passed over; `names` are for classes with
/// members: see io/key_names.hpp. Errors, all of which leave the parameters as they were:
/// "name: ..." if the bytes are no such file, or a list of every missing, surplus and misshaped
/// tensor.
template <class Net>
Result<void> parse_safetensors(std::string_view bytes, const std::string& name,
                               Parameters<Net>& parameters, const KeyNames& names = {}) {
  return detail::with_path(
      name, detail::load_safetensors(detail::float_rows<Net>(), parameters.data, bytes, names));
}

/// `parse_safetensors` of a file. Errors: as there, or "path: cannot be opened: ...".
template <class Net>
Result<void> read_safetensors(const std::string& path, Parameters<Net>& parameters,
                              const KeyNames& names = {}) {
  return parse_file(path, [&](std::string_view bytes, const std::string& name) {
    return parse_safetensors(bytes, name, parameters, names);
  });
}

/// The bytes that `write_safetensors` writes. Requires `names` that it does not refuse.
template <class Net>
std::string safetensors_bytes(const Parameters<Net>& parameters, const KeyNames& names = {}) {
  return detail::safetensors_bytes(detail::float_rows<Net>(), parameters.data, names);
}

/// Writes all weights and buffers as F32, bit by bit, with "format": "pt" as metadata, for
/// PyTorch's load_state_dict(safetensors.torch.load_file(path)), under other `names` if wanted.
/// Error: "path: ...", with why.
template <class Net>
Result<void> write_safetensors(const Parameters<Net>& parameters, const std::string& path,
                               const KeyNames& names = {}) {
  const Result<void> fit = detail::check_key_names(parameter_table<Net>, names, path);
  if (!fit) return fit;
  return write_file(path, safetensors_bytes(parameters, names));
}

}  // namespace etch
