// SPDX-License-Identifier: BSL-1.0
#include "etch/io/npy.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/transformer.hpp"
#include "fuzz/check.hpp"
#include "io/weights.hpp"

namespace {

using Tiny = etch::Network<etch::Input<2>, etch::Linear<1>>;
using Encoder = etch::Network<etch::Input<5, 4>, etch::TransformerEncoderLayer<2, 3>>;
using Stacked =
    etch::Network<etch::Input<5, 2>,
                  etch::LSTM<3, etch::NumLayers<2>, etch::Bidirectional<>, etch::ProjSize<2>>>;
using Shape = std::vector<std::uint64_t>;

template <class Net> void check_flat(const std::string& name) {
  etch::Parameters<Net> read;
  CHECK(etch::read_npy("io/files/" + name, read).error().message.empty());
  CHECK(same_bits(read, weights_of_files<Net>()));
}

/// An array of version 1 with this header, and `count` bytes behind it.
std::string file(const std::string& header, std::size_t count) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  etch::detail::append_little_endian(bytes, header.size(), 2);
  return bytes + header + std::string(count, '\0');
}

std::string error_of_header(const std::string& header, std::size_t count = 12) {
  const std::string bytes = file(header, count);
  const std::string message = error_of<Tiny>(bytes, etch::parse_npy<Tiny>);
  if (!message.empty() && !message.starts_with("w: expected all")) {
    CHECK(etch::parse_npy(bytes, "w").error().message == message);
  }
  return message;
}

std::string described(const std::string& descr, const std::string& fortran,
                      const std::string& shape) {
  return "{'descr': " + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

const std::string good = described("'<f4'", "False", "(3,)");

}  // namespace

TEST_CASE("an array survives the way through .npy bit by bit") {
  const etch::NpyArray written{{2, 1, 3}, {-0.0f, 1e-45f, 0.1f, 3e38f, -1, 2}};
  const auto read = etch::parse_npy(etch::npy_bytes(written), "w");
  REQUIRE(read);
  CHECK(read->shape == written.shape);
  CHECK(read->values == written.values);
  CHECK(std::signbit(read->values[0]));
  const auto empty = etch::parse_npy(etch::npy_bytes({{4, 0}, {}}), "w");
  REQUIRE(empty);
  CHECK(empty->shape == Shape{4, 0});
}

TEST_CASE("NumPy's arrays are read in C and Fortran order, and all versions of the format") {
  for (const std::string name : {"cube_2", "cube_3", "cube_fortran"}) {
    const auto cube = etch::read_npy("io/files/" + name + ".npy");
    CAPTURE(name, cube.error().message);
    REQUIRE(cube);
    CHECK(cube->shape == Shape{2, 3, 4});
    REQUIRE(cube->values.size() == 24);
    for (std::size_t i = 0; i < 24; ++i) CHECK(cube->values[i] == static_cast<float>(i));
  }
  const auto scalar = etch::read_npy("io/files/scalar.npy");
  REQUIRE(scalar);
  CHECK(scalar->shape.empty());
  CHECK(scalar->values == std::vector<float>{1.5f});
}

TEST_CASE("parameters in one row are in PyTorch's order") {
  check_flat<Encoder>("encoder_flat.npy");
  check_flat<Stacked>("lstm_flat.npy");
}

TEST_CASE("parameters in one row leave the buffers alone") {
  etch::Parameters<Small> expected = weights_of_files<Small>(), read;
  for (std::size_t i = 0; i < 3; ++i) {
    expected["4.running_mean"_k](i) = read["4.running_mean"_k](i) = 5;
    expected["4.running_var"_k](i) = read["4.running_var"_k](i) = 6;
  }
  REQUIRE(etch::read_npy("io/files/small_flat.npy", read));
  CHECK(same_bits(read, expected));
}

TEST_CASE(".npy files are written byte by byte as NumPy's are") {
  CHECK(etch::npy_bytes(weights_of_files<Small>()) == file_bytes("small_flat.npy"));
  auto special = special_weights(), read = special_weights();
  read["3.weight"_k](0, 0) = 0;
  CHECK(etch::parse_npy(etch::npy_bytes(special), "w", read));
  CHECK(same_bits(read, special));
}

TEST_CASE("an .npy file is written and read") {
  const std::string name = "etch_" + std::to_string(std::random_device{}()) + ".npy";
  const std::string path = (std::filesystem::temp_directory_path() / name).string();
  REQUIRE(etch::write_npy(weights_of_files<Small>(), path));
  CHECK(etch::read_npy(path).value().shape == Shape{etch::parameter_count<Small>});
  REQUIRE(etch::write_npy(etch::NpyArray{{2}, {1, 2}}, path));
  CHECK(etch::read_npy(path).value().values == std::vector<float>{1, 2});
  std::remove(path.c_str());
  CHECK(etch::read_npy(path).error().message ==
        path + ": cannot be opened: No such file or directory");
  CHECK(etch::write_npy(etch::NpyArray{{0}, {}}, "no/such/w").error().message ==
        "no/such/w: cannot be opened for writing: No such file or directory");
}

TEST_CASE("another number of parameters is an error with both") {
  const std::string cube = file_bytes("cube_2.npy");
  CHECK(error_of<Tiny>(cube, etch::parse_npy<Tiny>) ==
        "w: expected all parameters of the network in one row, [3], found [2, 3, 4]");
  CHECK(error_of<Tiny>(file_bytes("small_flat.npy"), etch::parse_npy<Tiny>) ==
        "w: expected all parameters of the network in one row, [3], found [53]");
  CHECK(error_of_header(described("'<f4'", "False", "(3, 1)")) ==
        "w: expected all parameters of the network in one row, [3], found [3, 1]");
}

TEST_CASE("arrays of other numbers are refused with their type") {
  const auto message = [](const std::string& name) {
    return etch::parse_npy(file_bytes(name), "w").error().message;
  };
  CHECK(message("integers.npy") == "w: expected dtype <f4, <f2 or <f8, found <i8");
  CHECK(error_of_header(described("'>f4'", "False", "(3,)")) ==
        "w: expected dtype <f4, <f2 or <f8, found >f4");
  CHECK(message("records.npy") ==
        "w: the header is not as NumPy writes that of an array of numbers, at its byte 10");
}

TEST_CASE("files that are no .npy, or a part of one, are refused") {
  const auto message = [](const std::string& bytes) {
    return error_of<Tiny>(bytes, etch::parse_npy<Tiny>);
  };
  CHECK(message("") == "w: no .npy file: it does not start as one");
  CHECK(message("\x93NUMPY\x01") == "w: no .npy file: it does not start as one");
  CHECK(message("{'descr': '<f4'}") == "w: no .npy file: it does not start as one");
  CHECK(message(std::string("\x93NUMPY\x04\x00", 8)) ==
        "w: version 4.0 of the .npy format is unknown");
  CHECK(message("\x93NUMPY\xFF\x01") == "w: version 255.1 of the .npy format is unknown");
  CHECK(message("\x93NUMPY\x01" + std::string("\x00\x01", 2)) ==
        "w: the file ends within its header");
  CHECK(message(file_bytes("cube_2.npy").substr(0, 100)) == "w: the file ends within its header");
  CHECK(error_of_header(good + std::string(10001 - good.size(), ' ')) ==
        "w: the header is said to have 10001 bytes, more than that of any array of numbers");
  CHECK(error_of_header(good + std::string(10000 - good.size(), ' ')).empty());
  CHECK(error_of_header(good, 12).empty());
  CHECK(error_of_header(good, 11) == "w: the shape is [3] of <f4, but 11 bytes follow the header");
  CHECK(error_of_header(good, 13) == "w: the shape is [3] of <f4, but 13 bytes follow the header");
  check_truncations(file_bytes("small_flat.npy"), etch::parse_npy<Small>);
}

TEST_CASE("a header may be in any order and quotes") {
  CHECK(error_of_header(R"({"shape":(3,),"descr":"<f4","fortran_order":True})").empty());
  CHECK(error_of_header(" { 'shape' : ( 3 , ) , 'descr' : '<f2' , 'fortran_order' : False } \n", 6)
            .empty());
}

TEST_CASE("a header of another structure is refused with the place") {
  const std::string message =
      "w: the header is not as NumPy writes that of an array of numbers, at its byte ";
  CHECK(error_of_header("") == message + "0");
  CHECK(error_of_header("[]") == message + "0");
  CHECK(error_of_header("{}") == message + "2");
  CHECK(error_of_header("{") == message + "1");
  CHECK(error_of_header("{'descr': '<f4', 'shape': (3,)}") == message + "31");
  CHECK(error_of_header("{'descr': '<f4', 'descr': '<f4'}") == message + "25");
  CHECK(error_of_header("{'descr': '<f4', 'more': 1}") == message + "24");
  CHECK(error_of_header(good + "x") == message + std::to_string(good.size()));
  CHECK(error_of_header("{'descr': '<f4") == message + "11");
  CHECK(error_of_header(described("4", "False", "(3,)")) == message + "10");
  CHECK(error_of_header(described("'<f4'", "0", "(3,)")) == message + "34");
  for (const char* shape : {"(3)", "(-3,)", "(3.0,)", "[3]", "(3", "(,)", "((3,),)", "(3,,)",
                            "(18446744073709551616,)", "(99999999999999999999999,)"}) {
    CAPTURE(shape);
    CHECK(error_of_header(described("'<f4'", "False", shape)).starts_with(message));
  }
  std::string axes = "(";
  for (int i = 0; i < 64; ++i) axes += "1, ";
  CHECK(error_of_header(described("'<f4'", "False", axes + ")"), 4).starts_with("w: expected all"));
  CHECK(error_of_header(described("'<f4'", "False", axes + "1)"), 4).starts_with(message));
  CHECK(error_of_header(described("'<f4'", "False", "(4611686018427387904,)")) ==
        "w: the shape is [4611686018427387904] of <f4, but 12 bytes follow the header");
}

TEST_CASE("an array without numbers keeps its shape, however long its other axes") {
  const etch::NpyArray empty{{std::uint64_t{1} << 63, 0}, {}};
  const auto again = etch::parse_npy(etch::npy_bytes(empty), "empty.npy");
  REQUIRE(again);
  CHECK(again->shape == empty.shape);
}

TEST_CASE(".npy files that a fuzzer found are read or refused") {
  fuzz::check_corpus("npy", etch::parse_npy<Small>, etch::npy_bytes<Small>);
}
