// SPDX-License-Identifier: BSL-1.0
#include "etch/io/npy.hpp"

#include <cstddef>
#include <cstdint>

#include "fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fuzz::check(bytes, etch::parse_npy<Small>, etch::npy_bytes<Small>);

  const auto array = etch::parse_npy(bytes, "w");
  if (!array) return 0;
  const std::string written = etch::npy_bytes(*array);
  const auto again = etch::parse_npy(written, "w");
  fuzz::require(again && again->shape == array->shape, "an array keeps its shape");
  fuzz::require(etch::npy_bytes(*again) == written, "an array keeps its numbers");
  return 0;
}
