// Written by etch::write_header: 59 weights in 8 tensors. Do not edit.
// clang-format off
#pragma once

#include <array>
#include <etch/io/embedded.hpp>

namespace test::etch::std {

/// To be passed to etch::embedded_parameters<Net>.
struct weights_type {
  /// Name and shape of each tensor, as in PyTorch's state_dict.
  static constexpr ::std::array<::etch::EmbeddedTensor, 8> tensors{{
      {"0.weight", {4, {2, 1, 3, 3}}},
      {"0.bias", {1, {2}}},
      {"3.weight", {2, {3, 8}}},
      {"3.bias", {1, {3}}},
      {"4.running_var", {1, {3}}},
      {"4.running_mean", {1, {3}}},
      {"4.weight", {1, {3}}},
      {"4.bias", {1, {3}}},
  }};
  /// Their elements, row-major; hexadecimal, hence exact.
  static constexpr float data[59]{
    // 0.weight [2, 1, 3, 3]
    -0x1.e3aa16p-5f, 0x1.d6e76p-4f, -0x1.2c7aacp-4f, 0x1.78cd6cp-3f, -0x1.e4b3ecp-3f, -0x1.30eap-5f,
    0x1.1a0b98p-2f, -0x1.50163ep-2f, -0x1.6002ecp-4f, -0x1.86fep-8f, 0x1.509d88p-2f, 0x1.165576p-4f,
    -0x1.346ap-3f, -0x1.63ff26p-3f, 0x1.26e35cp-2f, 0x1.0270eep-2f, -0x1.358b1p-3f, -0x1.1c4456p-2f,
    // 0.bias [2]
    -0x1.25d3dcp-2f, 0x1.30958p-5f,
    // 3.weight [3, 8]
    0x1.fffffep127f, 0x1.86b254p-3f, -0x1.121142p-8f, -0x1.8b2082p-5f, 0x1.0ed16ep-2f,
    0x1.eaefbep-6f, -0x1.a9c7ap-3f, -0x1.172896p-2f, 0x1.b07004p-4f, -0x1.5e329ap-3f,
    0x1.28eba2p-2f, 0x1p-126f, 0x0p0f, -0x1.882924p-3f, 0x1.7a7a16p-3f, 0x1.222ea6p-4f,
    -0x1.ff3e54p-3f, 0x1.e30d9ep-3f, -0x1.468fd2p-8f, -0x1.28a9d4p-3f, -0x1.f83bc2p-7f,
    0x1.9ff0bp-4f, 0x1.fb83b6p-4f, -0x1.fffffep127f,
    // 3.bias [3]
    -0x0p0f, 0x0.000002p-126f, -0x0.fffffep-126f,
    // 4.running_var [3]
    0x1p0f, 0x1p0f, 0x1p0f,
    // 4.running_mean [3]
    0x0p0f, 0x0p0f, 0x0p0f,
    // 4.weight [3]
    0x1p0f, 0x1p0f, 0x1p0f,
    // 4.bias [3]
    0x0p0f, 0x0p0f, 0x0p0f,
  };
};
inline constexpr weights_type weights{};
inline constexpr ::std::array<float, 3> mean{
    0x1p-1f, -0x0p0f, 0x0.000002p-126f,
};
inline constexpr ::std::array<float, 1> scale{
    0x1p4f,
};
inline constexpr ::std::array<float, 0> nothing{};

}  // namespace test::etch::std
