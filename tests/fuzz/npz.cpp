// SPDX-License-Identifier: BSL-1.0
#include "etch/io/npz.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::check({reinterpret_cast<const char*>(data), size},
              [](auto&&... x) { return etch::parse_npz(x...); },
              [](const auto& parameters) { return etch::npz_bytes(parameters); });
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

/// Nearly all changes would end at a wrong checksum: most get the right ones.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  using namespace etch::detail;
  size = LLVMFuzzerMutate(data, size, most);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto entries = read_zip(bytes);
  if (!entries || seed % 8 == 0) return size;
  std::size_t row = ZipRecord(bytes.substr(find_zip_end(bytes))).at(16, 4);
  for (const ZipEntry& entry : *entries) {
    const auto unpacked =
        entry.deflated ? inflate_entry<true>(entry, entry.size) : std::string(entry.bytes);
    std::uint32_t crc = unpacked ? crc32_of(*unpacked) : entry.crc;
    for (std::size_t i = 0; i < 4; ++i, crc >>= 8) {
      data[row + 16 + i] = static_cast<std::uint8_t>(crc & 0xFF);
    }
    const ZipRecord record(bytes.substr(row));
    row += zip_central_size + record.at(28, 2) + record.at(30, 2) + record.at(32, 2);
  }
  return size;
}
