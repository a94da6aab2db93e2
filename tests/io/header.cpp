// SPDX-License-Identifier: BSL-1.0
#include "etch/io/header.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "etch/data/file.hpp"
#include "io/small_network.hpp"
#include "io/small_weights.hpp"  // written by the last test of this file

namespace {

// A namespace inside of which other names hide the library's.
namespace written = test::etch::std;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }

using etch::literals::operator""_k;

etch::Parameters<Small> small_parameters() {
  etch::Parameters<Small> parameters;
  etch::initialize(parameters, 1);
  auto bias = parameters["3.bias"_k];
  const float special[] = {-0.0f, 0x1p-149f, -0x1.fffffcp-127f};
  bias.copy_from(special);
  auto weight = parameters["3.weight"_k];
  weight(0, 0) = std::numeric_limits<float>::max();
  weight(2, 7) = std::numeric_limits<float>::lowest();
  weight(1, 3) = std::numeric_limits<float>::min();
  weight(1, 4) = 0.0f;
  return parameters;
}

const std::array mean{0.5f, -0.0f, 1e-45f};
const std::vector<float> scale{16};
const etch::HeaderOptions options{
    .name_space = "test::etch::std", .extra = {{"mean", mean}, {"scale", scale}, {"nothing", {}}}};

std::string literal(float x) {
  std::string text;
  etch::detail::append_hex_float(text, x);
  return text;
}

std::string error_of(const etch::Parameters<Small>& parameters, etch::HeaderOptions with = {}) {
  return etch::header_text(parameters, with).error().message;
}

}  // namespace

TEST_CASE("float literals are exact and short") {
  CHECK(literal(0.0f) == "0x0p0f");
  CHECK(literal(-0.0f) == "-0x0p0f");
  CHECK(literal(1.0f) == "0x1p0f");
  CHECK(literal(-0.1f) == "-0x1.99999ap-4f");
  CHECK(literal(0x1p-149f) == "0x0.000002p-126f");
  CHECK(literal(0x1.8p-127f) == "0x0.cp-126f");
  CHECK(literal(std::numeric_limits<float>::max()) == "0x1.fffffep127f");
  CHECK(literal(std::numeric_limits<float>::min()) == "0x1p-126f");
}

TEST_CASE("a literal reads back as the float that it was written from") {
  for (std::uint32_t i = 0; i < 100000; ++i) {
    const auto x = std::bit_cast<float>(i * 42949u + (i << 8));
    if (!etch::detail::has_finite_bits(x)) continue;
    const std::string text = literal(x);
    float back = 1;
    REQUIRE(std::sscanf(text.c_str(), "%a", &back) == 1);
    if (bits(back) != bits(x)) FAIL(text);
  }
}

TEST_CASE("weights survive the way through a compiled header bit by bit") {
  constexpr auto embedded = etch::embedded_parameters<Small>(written::weights);
  const auto expected = small_parameters();
  for (std::size_t i = 0; i < expected.floats; ++i) {
    CAPTURE(i);
    CHECK(bits(embedded.data[i]) == bits(expected.data[i]));
  }
  REQUIRE(written::mean.size() == mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) CHECK(bits(written::mean[i]) == bits(mean[i]));
  CHECK(written::scale == std::array{16.0f});
  CHECK(written::nothing.empty());
}

TEST_CASE("a header lists tensors as a state_dict does") {
  constexpr auto& tensors = written::weights.tensors;
  REQUIRE(tensors.size() == 8);
  CHECK(tensors[2].name == "3.weight");
  CHECK(tensors[2].shape == etch::Dims{2, {3, 8}});
  const auto parameters = small_parameters();
  const auto weight = parameters["3.weight"_k];
  constexpr std::size_t before = 2 * 9 + 2;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      CHECK(written::weights.data[before + i * 8 + j] == weight(i, j));
    }
  }
}

TEST_CASE("NaN and infinity are refused with the tensor and the place") {
  auto parameters = small_parameters();
  parameters["0.weight"_k](1, 0, 2, 0) = not_a_number;
  CHECK(error_of(parameters) ==
        "0.weight: element [1, 0, 2, 0] is NaN, a header takes finite numbers");
  parameters = small_parameters();
  parameters["3.weight"_k](2, 1) = -infinity;
  CHECK(error_of(parameters) ==
        "3.weight: element [2, 1] is infinite, a header takes finite numbers");
  const std::array bad{0.0f, infinity};
  CHECK(error_of(small_parameters(), {.extra = {{"mean", bad}}}) ==
        "mean: element [1] is infinite, a header takes finite numbers");
}

TEST_CASE("names that are not C++ are refused") {
  const auto parameters = small_parameters();
  CHECK(error_of(parameters, {.name_space = "my digits"}) ==
        "'my digits' cannot be the name of a C++ namespace");
  CHECK(error_of(parameters, {.name_space = ""}) == "'' cannot be the name of a C++ namespace");
  CHECK_FALSE(etch::header_text(parameters, {.name_space = "a::"}));
  CHECK_FALSE(etch::header_text(parameters, {.name_space = "a::1b"}));
  CHECK_FALSE(etch::header_text(parameters, {.name_space = "a::namespace"}));
  CHECK(error_of(parameters, {.name = "class"}) ==
        "'class' cannot be the name of a C++ variable");
  CHECK_FALSE(etch::header_text(parameters, {.extra = {{"and", mean}}}));
  CHECK(etch::header_text(parameters, {.name_space = "classes", .name = "and_or"}));
  CHECK(error_of(parameters, {.name = "0.weight"}) ==
        "'0.weight' cannot be the name of a C++ variable");
  CHECK(error_of(parameters, {.extra = {{"a", mean}, {"a", mean}}}) ==
        "two variables are called 'a'");
  CHECK(error_of(parameters, {.extra = {{"weights", mean}}}) ==
        "two variables are called 'weights'");
}

TEST_CASE("a file that cannot be written is an error that names it") {
  const auto result = etch::write_header(small_parameters(), "no/such/folder/w.hpp");
  CHECK(result.error().message ==
        "no/such/folder/w.hpp: cannot be opened for writing: No such file or directory");
#if defined(__linux__)
  CHECK(etch::write_header(small_parameters(), "/dev/full").error().message ==
        "/dev/full: cannot be written: No space left on device");
#endif
}

TEST_CASE("a refused weight leaves the file as it was") {
  const std::string file = "etch_" + std::to_string(std::random_device{}()) + ".hpp";
  const std::string path = (std::filesystem::temp_directory_path() / file).string();
  REQUIRE(etch::write_header(small_parameters(), path, options));
  const std::string before = etch::read_file(path).value();
  CHECK(before == etch::header_text(small_parameters(), options).value());
  auto bad = small_parameters();
  bad["3.bias"_k](0) = not_a_number;
  CHECK(etch::write_header(bad, path, options).error().message.starts_with(path + ": 3.bias: "));
  CHECK(etch::read_file(path).value() == before);
  std::remove(path.c_str());
}

TEST_CASE("the header that these tests were compiled with is what is written") {
  CHECK(etch::read_file("io/small_weights.hpp").value() ==
        etch::header_text(small_parameters(), options).value());
}

// After a change of the format: test_io "[.write]", in the folder tests.
TEST_CASE("writes io/small_weights.hpp anew", "[.write]") {
  etch::write_header(small_parameters(), "io/small_weights.hpp", options).value();
}
