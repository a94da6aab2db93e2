// SPDX-License-Identifier: BSL-1.0
#include "etch/io/safetensors.hpp"

#include <cstddef>
#include <cstdint>

#include "fuzz/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::check({reinterpret_cast<const char*>(data), size},
              [](auto&&... x) { return etch::parse_safetensors(x...); },
              [](const auto& parameters) { return etch::safetensors_bytes(parameters); });
  return 0;
}
