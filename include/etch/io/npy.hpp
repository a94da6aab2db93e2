// SPDX-License-Identifier: BSL-1.0
/// Arrays as numpy.save writes them (NumPy's manual: numpy.lib.format): one array a file, or all
/// parameters of a network in one row:
///
///     numpy.save("flat.npy", torch.nn.utils.parameters_to_vector(net.parameters()).detach())
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etch/data/file.hpp"
#include "etch/io/parameter_order.hpp"
#include "etch/io/tensor_file.hpp"

namespace etch {

/// An array of any number of axes; its values are row-major.
struct NpyArray {
  std::vector<std::uint64_t> shape{};
  std::vector<float> values{};
};

namespace detail {

inline constexpr std::size_t npy_most_axes = 64;  // of NumPy 2, twice as many as before

/// Reads the header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 8), }
class NpyHeader {
 public:
  explicit NpyHeader(std::string_view text) : text_(text) {}

  /// False where it is no such dictionary; `position` says where.
  bool parse() {
    if (!accept('{')) return false;
    unsigned seen = 0;
    while (!accept('}')) {
      std::string_view key;
      if (!string(key) || !accept(':')) return false;
      const unsigned field = key == "descr" ? 1 : key == "fortran_order" ? 2 : 4;
      if ((field == 4 && key != "shape") || (seen & field) != 0) return false;
      if (!(field == 1 ? string(descr) : field == 2 ? boolean() : tuple())) return false;
      seen |= field;
      if (!accept(',') && !next_is('}')) return false;
    }
    return seen == 7 && at_end();
  }

  std::size_t position() const { return at_; }

  std::string_view descr{};
  bool fortran = false;
  FileShape shape{};

 private:
  bool at_end() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ == text_.size();
  }
  bool next_is(char c) { return !at_end() && text_[at_] == c; }
  bool accept(char c) {
    const bool found = next_is(c);
    at_ += found;
    return found;
  }

  bool word(std::string_view expected) {
    const bool found = !at_end() && text_.substr(at_).starts_with(expected);
    if (found) at_ += expected.size();
    return found;
  }

  bool string(std::string_view& value) {
    const char quote = next_is('"') ? '"' : '\'';
    if (!accept(quote)) return false;
    const std::size_t end = text_.find(quote, at_);
    if (end == text_.npos) return false;
    value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }

  bool boolean() {
    fortran = word("True");
    return fortran || word("False");
  }

  bool tuple() {
    if (!accept('(')) return false;
    while (!accept(')')) {
      std::uint64_t n = 0;
      if (shape.size() == npy_most_axes || !number(n)) return false;
      shape.push_back(n);
      if (!accept(',') && (shape.size() == 1 || !next_is(')'))) return false;  // (3) is no tuple
    }
    return true;
  }

  bool number(std::uint64_t& n) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    if (at_end()) return false;
    const std::size_t begin = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (n > (most - digit) / 10) return false;
      n = n * 10 + digit;
    }
    return at_ > begin;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

constexpr Encoding npy_encoding(std::string_view descr) {
  if (descr == "<f4") return Encoding::f32;
  if (descr == "<f2") return Encoding::f16;
  if (descr == "<f8") return Encoding::f64;
  return Encoding::other;
}

/// NumPy reads no longer headers either (numpy.lib.format: max_header_size); those of arrays of
/// numbers have a hundred bytes. A head is a header with what stands before it.
inline constexpr std::size_t npy_longest_header = 10000, npy_head_bytes = npy_longest_header + 12;

/// The array in a file of so many bytes, of which no more than these, the first, are needed. It has
/// neither name nor numbers yet.
inline Result<FileTensor> parse_npy_head(std::string_view bytes, std::size_t size) {
  constexpr std::string_view magic = "\x93NUMPY";
  if (!bytes.starts_with(magic) || bytes.size() < magic.size() + 2) {
    return Error{"no .npy file: it does not start as one"};
  }
  const auto major = static_cast<unsigned char>(bytes[magic.size()]);
  const auto minor = static_cast<unsigned char>(bytes[magic.size() + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    return Error{"version " + std::to_string(major) + '.' + std::to_string(minor) +
                 " of the .npy format is unknown"};
  }
  const std::size_t width = major == 1 ? 2 : 4, begin = magic.size() + 2 + width;
  if (size < begin) return Error{"the file ends within its header"};
  const std::uint64_t length = little_endian(bytes.substr(begin - width, width));
  if (length > size - begin) return Error{"the file ends within its header"};
  if (length > npy_longest_header) {
    return Error{"the header is said to have " + std::to_string(length) +
                 " bytes, more than that of any array of numbers"};
  }
  NpyHeader header(bytes.substr(begin, static_cast<std::size_t>(length)));
  if (!header.parse()) {
    return Error{"the header is not as NumPy writes that of an array of numbers, at its byte " +
                 std::to_string(header.position())};
  }
  const std::uint64_t follow = size - begin - length;
  const Encoding encoding = npy_encoding(header.descr);
  if (encoding != Encoding::other && byte_count(header.shape, encoding) != follow) {
    return Error{"the shape is " + shape_text(header.shape) + " of " + shown(header.descr) +
                 ", but " + std::to_string(follow) + " bytes follow the header"};
  }
  return FileTensor{{}, std::string(header.descr), encoding, std::move(header.shape),
                    header.fortran, {}};
}

/// The numbers of an array in the bytes of its file. Requires that its head was parsed.
inline std::string_view numbers_of_npy(std::string_view bytes, const FileTensor& tensor) {
  const auto count = static_cast<std::size_t>(*byte_count(tensor.shape, tensor.encoding));
  return bytes.substr(bytes.size() - count);
}

/// What precedes the numbers, by the rules of NumPy 1.23 and later: room for an axis to grow, and
/// spaces up to a multiple of 64 bytes.
inline std::string npy_header(std::string_view descr, const FileShape& shape) {
  constexpr std::size_t digits = 21, alignment = 64, before = 10;
  std::string text = "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (" +
                     listed(shape, ", ") + (shape.size() == 1 ? ",), }" : "), }");
  if (!shape.empty()) text.append(digits - std::to_string(shape[0]).size(), ' ');
  text.append(alignment - (before + text.size() + 1) % alignment, ' ').append(1, '\n');
  std::string bytes("\x93NUMPY\x01\x00", 8);
  append_little_endian(bytes, text.size(), 2);
  return bytes += text;
}

inline Result<FileTensor> floats_of_npy(std::string_view bytes, const std::string& path) {
  Result<FileTensor> tensor = parse_npy_head(bytes, bytes.size());
  if (!tensor) return Error{path + ": " + tensor.error().message};
  if (tensor->encoding == Encoding::other) {
    return Error{path + ": expected dtype <f4, <f2 or <f8, found " + shown(tensor->dtype)};
  }
  tensor->bytes = numbers_of_npy(bytes, *tensor);
  return tensor;
}

inline Result<void> read_flat(std::span<const PlacedParameter> rows, std::size_t count,
                              float* parameters, std::string_view bytes, const std::string& path) {
  const Result<FileTensor> tensor = floats_of_npy(bytes, path);
  if (!tensor) return tensor.error();
  if (tensor->shape != FileShape{count}) {
    return Error{path + ": expected all parameters of the network in one row, [" +
                 std::to_string(count) + "], found " + shape_text(tensor->shape)};
  }
  std::size_t from = 0;
  for (const std::size_t row : ParameterOrder(rows).sorted()) {
    const auto& [info, offset] = rows[row];
    for (std::size_t i = 0; i < info.shape.size(); ++i) {
      parameters[offset + info.place_of(i)] = element(*tensor, from++);
    }
  }
  return {};
}

}  // namespace detail

/// The array in the bytes of an .npy file of floats of 16, 32 or 64 bits (<f2, <f4, <f8; doubles
/// are rounded, those beyond the range of float to infinity), C or Fortran order, format version 1
/// to 3. Error: "name: ..." with what is wrong of the file.
inline Result<NpyArray> parse_npy(std::string_view bytes, const std::string& name) {
  const Result<detail::FileTensor> tensor = detail::floats_of_npy(bytes, name);
  if (!tensor) return tensor.error();
  NpyArray array{tensor->shape, {}};
  const std::size_t count = tensor->bytes.size() / detail::bytes_of(tensor->encoding);
  array.values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) array.values.push_back(detail::element(*tensor, i));
  return array;
}

/// All parameters of a network, trained and frozen, from one row of numbers: tensor after tensor in
/// the order of PyTorch's `net.parameters()`. Nothing names or separates them, so only their count
/// is checked; prefer .npz or safetensors. Buffers (running means) are no parameters and keep their
/// values. The numbers may be of the types above. After an error, "name: ..." with what is wrong of
/// the file or both shapes, the parameters are as they were.
template <class Net>
Result<void> parse_npy(std::string_view bytes, const std::string& name,
                       Parameters<Net>& parameters) {
  return detail::read_flat(detail::float_rows<Net>(), parameter_count<Net>, parameters.data, bytes,
                           name);
}

/// The bytes that numpy.save writes of the array as float32. Requires as many values as the shape
/// says, and no more axes than NumPy allows (64, before NumPy 2 32).
inline std::string npy_bytes(const NpyArray& array) {
  std::string bytes = detail::npy_header("<f4", array.shape);
  for (const float value : array.values) {
    detail::append_little_endian(bytes, std::bit_cast<std::uint32_t>(value), 4);
  }
  return bytes;
}

/// All parameters of a network, without buffers, as one row of float32, bit by bit and in the order
/// of `parse_npy`.
template <class Net> std::string npy_bytes(const Parameters<Net>& parameters) {
  std::string bytes = detail::npy_header("<f4", {parameter_count<Net>});
  for (const std::size_t row : detail::ParameterOrder(detail::float_rows<Net>()).sorted()) {
    detail::append_tensor(bytes, parameter_table<Net>[row], parameters.data);
  }
  return bytes;
}

/// `parse_npy` of a file. Errors: as there, or "path: cannot be opened: ...".
inline Result<NpyArray> read_npy(const std::string& path) {
  return parse_file(path, [](std::string_view bytes, const std::string& name) {
    return parse_npy(bytes, name);
  });
}

/// All parameters of a network, from one row of numbers; the same of a file.
template <class Net>
Result<void> read_npy(const std::string& path, Parameters<Net>& parameters) {
  return parse_file(path, [&](std::string_view bytes, const std::string& name) {
    return parse_npy(bytes, name, parameters);
  });
}

/// Writes `npy_bytes` of the array. Error: "path: cannot be written: ...", with the reason.
inline Result<void> write_npy(const NpyArray& array, const std::string& path) {
  return write_file(path, npy_bytes(array));
}

/// Writes all parameters of a network as one row; errors as above.
template <class Net>
Result<void> write_npy(const Parameters<Net>& parameters, const std::string& path) {
  return write_file(path, npy_bytes(parameters));
}

}  // namespace etch
