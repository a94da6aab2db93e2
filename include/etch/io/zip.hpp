// SPDX-License-Identifier: BSL-1.0
/// Zip archives in memory (PKWARE's APPNOTE.TXT): as much of them as .npz files need.
///
/// Compressed entries are read in files that are compiled with ETCH_ZLIB=1 and linked with zlib;
/// CMake's target etch::zlib does both.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etch/data/result.hpp"
#include "etch/io/tensor_file.hpp"

#if !defined(ETCH_ZLIB)
#define ETCH_ZLIB 0
#endif
#if ETCH_ZLIB
#include <zlib.h>
#endif

namespace etch::detail {

/// The checksum of zip and gzip: polynomial 0x04C11DB7, bits reversed.
inline std::uint32_t crc32_of(std::string_view bytes) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> result{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? c >> 1 ^ 0xEDB88320u : c >> 1;
      result[i] = c;
    }
    return result;
  }();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

/// A file in an archive. `bytes` are as they lie there, compressed or not.
struct ZipEntry {
  std::string name{};
  bool deflated = false;
  std::uint32_t crc = 0;
  std::size_t size = 0;  ///< unpacked
  std::string_view bytes{};
};

// Signatures, as numbers that begin with the letters PK.
inline constexpr std::uint32_t zip_local = 0x04034B50, zip_central = 0x02014B50,
                               zip_end = 0x06054B50;
inline constexpr std::size_t zip_local_size = 30, zip_central_size = 46, zip_end_size = 22;

/// Reads numbers of a record from its first byte on.
class ZipRecord {
 public:
  explicit ZipRecord(std::string_view bytes) : bytes_(bytes) {}
  std::size_t at(std::size_t offset, std::size_t bytes) const {
    return static_cast<std::size_t>(little_endian(bytes_.substr(offset, bytes)));
  }
  std::uint32_t signature() const { return static_cast<std::uint32_t>(at(0, 4)); }

 private:
  std::string_view bytes_;
};

/// Where the record at the end of an archive begins: nothing but a comment follows it.
inline std::size_t find_zip_end(std::string_view archive) {
  constexpr std::size_t longest_comment = 0xFFFF;
  for (std::size_t comment = 0; comment <= longest_comment; ++comment) {
    if (archive.size() < zip_end_size + comment) break;
    const std::size_t at = archive.size() - zip_end_size - comment;
    const ZipRecord record(archive.substr(at, zip_end_size));
    if (record.signature() == zip_end && record.at(20, 2) == comment) return at;
  }
  return archive.npos;
}

/// One row of the central directory, which alone knows the sizes: NumPy's local headers leave them
/// to a zip64 field. `rest` loses the row.
inline Result<ZipEntry> read_zip_entry(std::string_view archive, std::string_view& rest) {
  if (rest.size() < zip_central_size || ZipRecord(rest).signature() != zip_central) {
    return Error{"its central directory is damaged"};
  }
  const ZipRecord row(rest);
  const std::size_t flags = row.at(8, 2), method = row.at(10, 2), packed = row.at(20, 4);
  const std::size_t name = row.at(28, 2), begin = row.at(42, 4);
  const std::size_t all = zip_central_size + name + row.at(30, 2) + row.at(32, 2);
  if (rest.size() < all) return Error{"its central directory is damaged"};
  ZipEntry entry{std::string(rest.substr(zip_central_size, name)), method == 8,
                 static_cast<std::uint32_t>(row.at(16, 4)), row.at(24, 4)};
  rest.remove_prefix(all);

  const std::string where = "'" + shown(entry.name) + "' ";
  constexpr std::size_t zip64 = 0xFFFFFFFF;
  if (packed == zip64 || entry.size == zip64 || begin == zip64) {
    return Error{where + "is in the zip64 format, which is not read"};
  }
  if ((flags & 1) != 0) return Error{where + "is encrypted"};
  if (method != 0 && method != 8) {
    return Error{where + "is compressed by method " + std::to_string(method) + ", not by deflate"};
  }
  const std::string damaged = where + "is damaged: its local header is not where it should be";
  if (archive.size() < zip_local_size || begin > archive.size() - zip_local_size) {
    return Error{damaged};
  }
  const ZipRecord local(archive.substr(begin, zip_local_size));
  if (local.signature() != zip_local) return Error{damaged};
  const std::size_t from = begin + zip_local_size + local.at(26, 2) + local.at(28, 2);
  if (from > archive.size() || packed > archive.size() - from) {
    return Error{where + "is damaged: it reaches beyond the end of the file"};
  }
  if (!entry.deflated && packed != entry.size) {
    return Error{where + "is damaged: it is not compressed, yet has two sizes"};
  }
  entry.bytes = archive.substr(from, packed);
  return entry;
}

inline Result<std::vector<ZipEntry>> read_zip(std::string_view archive) {
  const std::size_t end = find_zip_end(archive);
  if (end == archive.npos) return Error{"no zip archive, or a part of one"};
  const ZipRecord record(archive.substr(end, zip_end_size));
  const std::size_t count = record.at(10, 2), size = record.at(12, 4), begin = record.at(16, 4);
  if (record.at(4, 2) != 0 || record.at(8, 2) != count) return Error{"a part of a zip archive"};
  if (count == 0xFFFF || size == 0xFFFFFFFF || begin == 0xFFFFFFFF) {
    return Error{"it is in the zip64 format, which is not read"};
  }
  if (begin > end || size > end - begin) return Error{"its central directory is damaged"};
  std::string_view rest = archive.substr(begin, size);
  std::vector<ZipEntry> entries;
  std::size_t packed = 0;
  while (!rest.empty()) {
    Result<ZipEntry> entry = read_zip_entry(archive.substr(0, begin), rest);
    if (!entry) return entry.error();
    packed += entry->bytes.size();
    // What overlaps can say of a small file that it unpacks to any size.
    if (packed > begin) return Error{"its entries overlap"};
    entries.push_back(*std::move(entry));
  }
  if (entries.size() != count) return Error{"its central directory is damaged"};
  return entries;
}

// Files of one program may differ in ETCH_ZLIB. Each knows its own, and what depends on it is a
// template on that: of two functions of one name the linker would take either for all files.
constexpr bool with_zlib = ETCH_ZLIB != 0;

/// The first bytes of a deflated entry, `most` or, if there are fewer, exactly as many as it says.
template <bool zlib> Result<std::string> inflate_entry(const ZipEntry& entry, std::size_t) {
  return Error{"'" + shown(entry.name) +
               "' is compressed: compile with ETCH_ZLIB=1 and link zlib to read it, or write the "
               "file with numpy.savez"};
}

#if ETCH_ZLIB
template <> inline Result<std::string> inflate_entry<true>(const ZipEntry& entry,
                                                           std::size_t most) {
  constexpr std::size_t best = 1032;  // a byte of deflate stands for at most so many
  const bool all = entry.size <= most;
  const std::size_t size = all ? entry.size : most;
  const std::string damaged = "'" + shown(entry.name) + "' is damaged: it does not unpack to " +
                              std::to_string(entry.size) + " bytes";
  if (entry.size / best > entry.bytes.size()) return Error{damaged};
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Error{"zlib cannot be started"};
  std::string bytes(all ? size + 1 : size, '\0');  // one more, to see that nothing follows
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(entry.bytes.data()));
  stream.avail_in = static_cast<uInt>(entry.bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  const int status = inflate(&stream, Z_FINISH);
  const bool ended = status == Z_STREAM_END && stream.avail_in == 0;
  const bool right = stream.total_out == size && (ended || !all);
  inflateEnd(&stream);
  if (!right) return Error{damaged};
  bytes.resize(size);
  return bytes;
}
#endif

/// The first bytes of an entry, at most so many, unpacked into `store` if need be. If these are
/// all, their checksum is found right.
template <bool zlib>
Result<std::string_view> unpack(const ZipEntry& entry, std::size_t most, std::string& store) {
  std::string_view bytes = entry.bytes.substr(0, most);
  if (entry.deflated) {
    Result<std::string> unpacked = inflate_entry<zlib>(entry, most);
    if (!unpacked) return unpacked.error();
    store = *std::move(unpacked);
    bytes = store;
  }
  if (entry.size <= most && crc32_of(bytes) != entry.crc) {
    return Error{"'" + shown(entry.name) + "' is damaged: its checksum is wrong"};
  }
  return bytes;
}

/// Writes archives whose entries are not compressed. Requires less than 4 GiB and 65535 entries.
class ZipWriter {
 public:
  void add(std::string_view name, std::string_view bytes) {
    std::string row;  // what the local header and the central directory share
    append_little_endian(row, 20, 2);        // of version 2.0
    append_little_endian(row, 0, 2 + 2);     // no flags, not compressed
    append_little_endian(row, 0x210000, 4);  // 1 January 1980: the same weights, the same file
    append_little_endian(row, crc32_of(bytes), 4);
    append_little_endian(row, bytes.size(), 4);
    append_little_endian(row, bytes.size(), 4);
    append_little_endian(row, name.size(), 2);
    append_little_endian(row, 0, 2);  // no further fields

    append_little_endian(central_, zip_central, 4);
    append_little_endian(central_, 20, 2);
    central_ += row;
    append_little_endian(central_, 0, 2 + 2 + 2 + 4);  // no comment, disk 0, no attributes
    append_little_endian(central_, archive_.size(), 4);
    central_ += name;

    append_little_endian(archive_, zip_local, 4);
    archive_.append(row).append(name).append(bytes);
    ++count_;
  }

  std::string finish() && {
    const std::size_t begin = archive_.size();
    archive_ += central_;
    append_little_endian(archive_, zip_end, 4);
    append_little_endian(archive_, 0, 2 + 2);
    append_little_endian(archive_, count_, 2);
    append_little_endian(archive_, count_, 2);
    append_little_endian(archive_, central_.size(), 4);
    append_little_endian(archive_, begin, 4);
    append_little_endian(archive_, 0, 2);
    return std::move(archive_);
  }

 private:
  std::string archive_, central_;
  std::size_t count_ = 0;
};

}  // namespace etch::detail
