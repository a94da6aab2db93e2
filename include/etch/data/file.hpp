// SPDX-License-Identifier: BSL-1.0
/// Reading and writing whole files, with a reason where that fails.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include "etch/data/result.hpp"

namespace etch {

/// All bytes of the file, unchanged. Error: "path: cannot be opened: No such file or directory".
inline Result<std::string> read_file(const std::string& path) {
  const auto reason = [&path](const char* what) {
    return Error{path + ": " + what + ": " + std::generic_category().message(errno)};
  };
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return reason("cannot be opened");

  std::string bytes;
  std::array<char, 16384> chunk;
  while (const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file)) {
    bytes.append(chunk.data(), count);
  }
  if (std::ferror(file) != 0) {
    Error error = reason("cannot be read");
    std::fclose(file);
    return error;
  }
  std::fclose(file);
  return bytes;
}

/// Error: "path: cannot be written: No space left on device".
inline Result<void> write_file(const std::string& path, std::string_view bytes) {
  const auto reason = [&path](const char* what) {
    return Error{path + ": " + what + ": " + std::generic_category().message(errno)};
  };
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return reason("cannot be opened for writing");
  const bool written =
      std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0;
  Result<void> result;
  if (!written) result = reason("cannot be written");
  if (std::fclose(file) != 0 && written) result = reason("cannot be written");
  return result;
}

/// parse(bytes, path) of the file, or why it cannot be read.
template <class Parse>
auto parse_file(const std::string& path, const Parse& parse) -> decltype(parse("", path)) {
  const Result<std::string> bytes = read_file(path);
  if (!bytes) return bytes.error();
  return parse(*bytes, path);
}

}  // namespace etch
