// SPDX-License-Identifier: BSL-1.0
// What the tests of weight files share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "etch/data/file.hpp"
#include "etch/network/parameters.hpp"
#include "io/small_network.hpp"

using etch::literals::operator""_k;

/// NaN equals NaN here.
template <class Net>
bool same_bits(const etch::Parameters<Net>& a, const etch::Parameters<Net>& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// The weights that make_files.py puts into all of its files.
template <class Net> etch::Parameters<Net> weights_of_files() {
  etch::Parameters<Net> parameters;
  parameters.for_each([](const etch::ParameterInfo& info, auto tensor) {
    int sum = 0;
    for (const char c : info.name.view()) sum += c;
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      tensor[i] = static_cast<float>((37 * static_cast<int>(i) + sum) % 255 - 127) / 64.0f;
    }
  });
  return parameters;
}

/// Drawn ones, and floats that are easily lost on the way.
inline etch::Parameters<Small> special_weights() {
  etch::Parameters<Small> parameters;
  etch::initialize(parameters, 1);
  using limits = std::numeric_limits<float>;
  const float special[] = {-0.0f, 0x1p-149f, -limits::infinity()};
  parameters["3.bias"_k].copy_from(special);
  parameters["3.weight"_k](0, 0) = limits::quiet_NaN();
  parameters["3.weight"_k](2, 7) = limits::lowest();
  parameters["4.running_var"_k](1) = 0x1.fffffcp-127f;
  return parameters;
}

inline std::string file_bytes(const std::string& name) {
  return etch::read_file("io/files/" + name).value();
}

/// What `parse`, one of etch's, says of the bytes of a file that is called "w". Checks that after
/// an error nothing is changed.
template <class Net = Small, class Parse>
std::string error_of(const std::string& bytes, Parse parse) {
  etch::Parameters<Net> parameters, before;
  etch::initialize(before, 2);
  parameters = before;
  const auto result = parse(bytes, "w", parameters);
  CHECK((result || same_bits(parameters, before)));
  CHECK(result.error().message.empty() == result.has_value());
  return result.error().message;
}

/// Every part of a file from its start is refused.
template <class Parse> void check_truncations(const std::string& bytes, Parse parse) {
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    // A string of its own, so that a sanitizer sees what is read behind it.
    const std::string message = error_of(std::string(bytes, 0, length), parse);
    if (!message.starts_with("w: ")) FAIL(length << " bytes: '" << message << "'");
  }
}

/// Writing a file and reading it again, and what is said where neither is possible.
template <class Read, class Write>
void check_file(const std::string& ending, Read read, Write write) {
  const std::string name = "etch_" + std::to_string(std::random_device{}()) + ending;
  const std::string path = (std::filesystem::temp_directory_path() / name).string();
  REQUIRE(write(special_weights(), path));
  etch::Parameters<Small> parameters;
  CHECK(read(path, parameters));
  CHECK(same_bits(parameters, special_weights()));
  std::remove(path.c_str());
  CHECK(read(path, parameters).error().message ==
        path + ": cannot be opened: No such file or directory");
  CHECK(write(parameters, "no/such/w").error().message ==
        "no/such/w: cannot be opened for writing: No such file or directory");
}
