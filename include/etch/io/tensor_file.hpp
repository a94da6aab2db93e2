// SPDX-License-Identifier: BSL-1.0
/// Tensors as files hold them, and their way into the parameters of a network and back. Each format
/// is parsed into a list of tensors; whether they belong to the network is decided here.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etch/data/result.hpp"
#include "etch/io/key_names.hpp"
#include "etch/network/parameters.hpp"

namespace etch::detail {

/// How a file writes a number; `other` are those that are never read.
enum class Encoding : unsigned char { other, f16, bf16, f32, f64 };

constexpr std::size_t bytes_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::f16:
    case Encoding::bf16: return 2;
    case Encoding::f32: return 4;
    case Encoding::f64: return 8;
    case Encoding::other: break;
  }
  return 0;
}

/// Extents in a file may be any numbers, and any number of them.
using FileShape = std::vector<std::uint64_t>;

struct FileTensor {
  std::string name{};
  std::string dtype{};  ///< in the words of the format
  Encoding encoding = Encoding::other;
  FileShape shape{};
  bool fortran = false;      ///< the first axis runs fastest, not the last
  std::string_view bytes{};  ///< little-endian; as many as shape and encoding say
};

constexpr std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

inline void append_little_endian(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (; bytes > 0; --bytes, value >>= 8) out += static_cast<char>(value & 0xFF);
}

/// IEEE 754 binary16. A NaN keeps its payload, as NumPy's does.
constexpr float float_of_half(std::uint32_t bits) {
  const std::uint32_t sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 0x1F;
  const std::uint32_t fraction = bits & 0x3FF;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFF : exponent + 127 - 15;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

constexpr float float_of(Encoding encoding, std::uint64_t bits) {
  const auto low = static_cast<std::uint32_t>(bits);
  switch (encoding) {
    case Encoding::f16: return float_of_half(low);
    case Encoding::bf16: return std::bit_cast<float>(low << 16);
    case Encoding::f32: return std::bit_cast<float>(low);
    case Encoding::f64: return static_cast<float>(std::bit_cast<double>(bits));
    case Encoding::other: break;
  }
  return 0;
}

/// Bytes of a tensor; none if they are more than can be counted.
constexpr std::optional<std::uint64_t> byte_count(const FileShape& shape, Encoding encoding) {
  if (std::ranges::find(shape, 0u) != shape.end()) return 0;  // whatever the other axes are
  std::uint64_t n = bytes_of(encoding);
  for (const std::uint64_t extent : shape) {
    if (n > std::numeric_limits<std::uint64_t>::max() / extent) return std::nullopt;
    n *= extent;
  }
  return n;
}

/// Names of a file in messages: bounded, what does not print replaced.
inline std::string shown(std::string_view text) {
  constexpr std::size_t most = 64;
  std::string result(text.substr(0, most));
  for (char& c : result) c = c >= ' ' && c <= '~' ? c : '?';
  return text.size() > most ? result + "..." : result;
}

inline std::string listed(std::span<const std::uint64_t> numbers, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) text += separator;
    text += std::to_string(numbers[i]);
  }
  return text;
}

/// [3, 8]; of a file that lies, no more than its first axes.
inline std::string shape_text(std::span<const std::uint64_t> shape) {
  constexpr std::size_t most = 16;
  const bool all = shape.size() <= most;
  const std::string text = listed(shape.first(all ? shape.size() : most), ", ");
  return std::string(1, '[').append(text).append(all ? "]" : ", ...]");
}

inline FileShape file_shape(const Dims& shape) {
  return {shape.extent, shape.extent + shape.rank};
}

/// The i-th element in row-major order of a tensor whose encoding is one that is read.
inline float element(const FileTensor& tensor, std::size_t i) {
  if (tensor.fortran) {
    std::size_t place = 0, step = 1;
    for (const std::uint64_t extent : tensor.shape) step *= static_cast<std::size_t>(extent);
    for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
      const auto extent = static_cast<std::size_t>(tensor.shape[axis]);
      step /= extent;
      place += i % extent * step;
      i /= extent;
    }
    i = place;
  }
  const std::size_t width = bytes_of(tensor.encoding);
  return float_of(tensor.encoding, little_endian(tensor.bytes.substr(i * width, width)));
}

/// PyTorch counts batches beside each running variance. etch keeps no such count: it is passed
/// over in files, and written as 0, so that load_state_dict(strict=True) finds all keys.
inline constexpr std::string_view variance_suffix = "running_var";
inline constexpr std::string_view count_suffix = "num_batches_tracked";

/// The count's name beside a running variance, empty for other tensors.
inline std::string batch_count_name(std::string_view name) {
  if (name != variance_suffix && !name.ends_with("." + std::string(variance_suffix))) return {};
  name.remove_suffix(variance_suffix.size());
  return std::string(name).append(count_suffix);
}

/// What a state_dict has: the tensors of a network, and the counts of batches.
struct StateEntry {
  std::string name;
  const PlacedParameter* parameter = nullptr;  ///< none: a count, one integer of 64 bits
};

inline std::vector<StateEntry> state_entries(std::span<const PlacedParameter> rows,
                                             const KeyNames& names) {
  std::vector<StateEntry> entries;
  for (const PlacedParameter& row : rows) {
    const std::string_view name = row.info.name.view();
    for (const std::string& key : keys_in_file(name, names)) entries.push_back({key, &row});
    const std::string count = batch_count_name(name);
    if (count.empty()) continue;
    for (const std::string& key : keys_in_file(count, names)) entries.push_back({key});
  }
  return entries;
}

/// The error of pairs of names by which no file can be written.
inline Result<void> check_key_names(std::span<const PlacedParameter> rows, const KeyNames& names,
                                    const std::string& path) {
  const std::string lines = misnamed(rows, names);
  if (!lines.empty()) return Error{path + ": these names do not fit the network:" + lines};
  return {};
}

/// The tensor, row-major, as floats of 32 bits. `data` is that of `Parameters`.
inline void append_tensor(std::string& out, const PlacedParameter& row, const float* data) {
  for (std::size_t i = 0; i < row.info.shape.size(); ++i) {
    const float value = data[row.offset + row.info.place_of(i)];
    append_little_endian(out, std::bit_cast<std::uint32_t>(value), 4);
  }
}

/// A line for each tensor of the file or of the network that does not find its counterpart.
inline std::string differences(const std::vector<StateEntry>& wanted,
                               const std::vector<FileTensor>& tensors,
                               const std::map<std::string_view, std::size_t>& found) {
  std::string lines;
  std::set<std::string, std::less<>> known;
  for (const auto& [name, row] : wanted) {
    known.insert(name);
    if (row == nullptr) continue;
    const FileShape shape = file_shape(row->info.shape);
    const auto place = found.find(name);
    if (place == found.end()) {
      lines += "\n  missing: " + name + ' ' + shape_text(shape);
      continue;
    }
    const FileTensor& other = tensors[place->second];
    if (other.shape != shape) {
      lines += "\n  wrong shape: " + name + ", expected " + shape_text(shape) + ", found " +
               shape_text(other.shape);
    }
    if (other.encoding == Encoding::other) {
      lines += "\n  wrong dtype: " + name +
               ", expected little-endian floats of 16, 32 or 64 bits, found " + shown(other.dtype);
    }
  }
  for (const auto& [name, place] : found) {
    if (known.contains(name)) continue;
    lines += "\n  surplus: " + shown(name) + ' ' + shape_text(tensors[place].shape);
  }
  return lines;
}

inline Error another_network(const std::string& lines) {
  return Error{"these weights belong to another network:" + lines};
}

/// A tensor of the network, and the place of its own in the list of those of a file.
struct Match {
  const PlacedParameter* row;
  std::size_t tensor;
};

/// What belongs together in a network and a file of tensors, by keys, shapes and types alone: their
/// bytes may come later. The error lists all that do not, by their keys in the file.
inline Result<std::vector<Match>> matched(std::span<const PlacedParameter> wanted,
                                          const std::vector<FileTensor>& tensors,
                                          const KeyNames& names) {
  const std::vector<StateEntry> entries = state_entries(wanted, names);
  std::map<std::string_view, std::size_t> found;
  std::string twice;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string& name = tensors[i].name;
    if (!found.emplace(name, i).second) twice += "\n  twice: " + shown(name);
  }
  const std::string lines = misnamed(wanted, names) + differences(entries, tensors, found) + twice;
  if (!lines.empty()) return another_network(lines);
  std::vector<Match> matches;
  for (const auto& [name, row] : entries) {
    if (row != nullptr) matches.push_back({row, found.find(name)->second});
  }
  return matches;
}

/// A line for each two tensors of the file that would be one in the network, but differ.
inline std::string unequal(const std::vector<Match>& matches,
                           const std::vector<FileTensor>& tensors) {
  std::string lines;
  for (std::size_t i = 1; i < matches.size(); ++i) {  // the keys of one tensor are neighbours
    const PlacedParameter& row = *matches[i].row;
    if (&row != matches[i - 1].row) continue;
    const FileTensor &a = tensors[matches[i - 1].tensor], &b = tensors[matches[i].tensor];
    bool equal = true;
    for (std::size_t j = 0; equal && j < row.info.shape.size(); ++j) {
      equal = std::bit_cast<std::uint32_t>(element(a, j)) ==
              std::bit_cast<std::uint32_t>(element(b, j));
    }
    if (!equal) {
      lines += "\n  not equal: " + a.name + " and " + b.name + ", both " +
               std::string(row.info.name.view()) + " of the network";
    }
  }
  return lines;
}

/// Copies all matches into the parameters of the network; nothing if tied weights differ.
inline Result<void> fill(const std::vector<Match>& matches, const std::vector<FileTensor>& tensors,
                         float* data) {
  if (const auto lines = unequal(matches, tensors); !lines.empty()) return another_network(lines);
  for (const auto& [row, tensor] : matches) {
    for (std::size_t i = 0; i < row->info.shape.size(); ++i) {
      data[row->offset + row->info.place_of(i)] = element(tensors[tensor], i);
    }
  }
  return {};
}

inline Result<void> with_path(const std::string& path, const Result<void>& result) {
  if (result) return {};
  return Error{path + ": " + result.error().message};
}

}  // namespace etch::detail
