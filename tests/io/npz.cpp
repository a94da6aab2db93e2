// SPDX-License-Identifier: BSL-1.0
#include "etch/io/npz.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "etch/layers/linear.hpp"
#include "fuzz/check.hpp"
#include "io/weights.hpp"

namespace {

// Without names of other keys.
constexpr auto parse = [](auto&&... x) { return etch::parse_npz(x...); };
constexpr auto reader = [](auto&&... x) { return etch::read_npz(x...); };
constexpr auto writer = [](auto&&... x) { return etch::write_npz(x...); };
constexpr auto to_bytes = [](const auto& parameters) { return etch::npz_bytes(parameters); };

using Tiny = etch::Network<etch::Input<2>, etch::Linear<1>>;

std::string archive(std::initializer_list<std::pair<std::string, std::string>> files) {
  etch::detail::ZipWriter zip;
  for (const auto& [name, bytes] : files) zip.add(name, bytes);
  return std::move(zip).finish();
}

const std::string weight = etch::npy_bytes({{1, 2}, {1, 2}});
const std::string bias = etch::npy_bytes({{1}, {3}});

/// Of Tiny's file, with `bytes` in place of what is there.
std::string changed(std::size_t at, const std::string& bytes) {
  std::string file = archive({{"0.weight.npy", weight}, {"0.bias.npy", bias}});
  return file.replace(at, bytes.size(), bytes);
}

std::string error_of_tiny(const std::string& bytes) {
  return error_of<Tiny>(bytes, parse);
}

// Where the parts of Tiny's file begin.
const std::size_t second = 30 + 12 + weight.size();
const std::size_t central = second + 30 + 10 + bias.size();
const std::size_t end = central + 46 + 12 + 46 + 10;

}  // namespace

TEST_CASE("weights survive the way through .npz bit by bit") {
  const auto written = special_weights();
  etch::Parameters<Small> read;
  CHECK(etch::parse_npz(etch::npz_bytes(written), "w", read).error().message.empty());
  CHECK(same_bits(read, written));
}

TEST_CASE("NumPy's archives are read: floats of 16 and 32 bits, C and Fortran order") {
  for (const std::string name : {"small_f4", "small_f2", "small_fortran"}) {
    etch::Parameters<Small> read;
    const auto result = etch::read_npz("io/files/" + name + ".npz", read);
    CAPTURE(name, result.error().message);
    CHECK(result);
    CHECK(same_bits(read, weights_of_files<Small>()));
  }
}

#if ETCH_ZLIB
TEST_CASE("NumPy's compressed archives are read") {
  etch::Parameters<Small> read;
  CHECK(etch::read_npz("io/files/small_compressed.npz", read).error().message.empty());
  CHECK(same_bits(read, weights_of_files<Small>()));
}

TEST_CASE("compressed bytes that are damaged are refused") {
  const std::string good = file_bytes("small_compressed.npz");
  const std::size_t begin = good.find("0.weight.npy") + 12 + 20;  // behind name and zip64 field
  std::size_t unlike = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    std::string bytes = good;
    bytes[begin + i] = static_cast<char>(bytes[begin + i] ^ 0x55);
    const std::string message = error_of(bytes, parse);
    CHECK(message.starts_with("w: '0.weight.npy' is damaged: it"));
    unlike += message == "w: '0.weight.npy' is damaged: its checksum is wrong";
  }
  CHECK(unlike > 0);
  std::string bytes = good;
  const std::size_t row = good.find("PK\x01\x02");
  bytes.replace(row + 24, 4, "\xFE\xFF\xFF\xFF");
  CHECK(error_of(bytes, parse) ==
        "w: '0.weight.npy' is damaged: it does not unpack to 4294967294 bytes");
  bytes.replace(row + 24, 4, std::string("\x07\x01\x00\x00", 4));
  CHECK(error_of(bytes, parse) ==
        "w: '0.weight.npy' is damaged: it does not unpack to 263 bytes");
}

/// An archive of one array of zeros, of which no more than the first numbers can be unpacked.
std::string unfinished(const std::string& name, std::uint64_t count) {
  const std::string array = etch::npy_bytes({{count}, std::vector<float>(count)});
  const std::string head = array.substr(0, etch::detail::npy_head_bytes);
  std::string length;
  etch::detail::append_little_endian(length, head.size(), 2);
  std::string bytes = std::string(1, '\0') + length;  // a block that is not compressed
  for (const char c : length) bytes += static_cast<char>(~c);
  bytes += head + std::string(1000, '\xFF');  // and no block

  std::string file = archive({{name, bytes}}), size;
  const std::size_t row = file.size() - 22 - name.size() - 46;
  file[row + 10] = 8;
  etch::detail::append_little_endian(size, array.size(), 4);
  return file.replace(row + 24, 4, size);
}

TEST_CASE("of arrays that do not belong to the network no more than the shape is unpacked") {
  CHECK(error_of_tiny(unfinished("more.npy", 25000)) ==
        "w: these weights belong to another network:\n"
        "  missing: 0.weight [1, 2]\n"
        "  missing: 0.bias [1]\n"
        "  surplus: more [25000]");
  CHECK(error_of_tiny(unfinished("0.weight.npy", 25000)) ==
        "w: these weights belong to another network:\n"
        "  wrong shape: 0.weight, expected [1, 2], found [25000]\n"
        "  missing: 0.bias [1]");
}
#endif

TEST_CASE("a file of a program without zlib refuses compressed archives with what to do") {
  constexpr auto parse_without = [](auto bytes, auto name, auto& parameters) {
    return etch::parse_npz<Small, false>(bytes, name, parameters);
  };
  CHECK(error_of(file_bytes("small_compressed.npz"), parse_without) ==
        "w: '0.weight.npy' is compressed: compile with ETCH_ZLIB=1 and link zlib to read it, or "
        "write the file with numpy.savez");
}

TEST_CASE("an .npz file is written and read") {
  check_file(".npz", reader, writer);
}

TEST_CASE("one error lists all arrays that do not belong to the network") {
  CHECK(error_of(archive({{"0.weight.npy", weight},
                          {"0.bias.npy", file_bytes("integers.npy")},
                          {"4.num_batches_tracked.npy", file_bytes("integers.npy")},
                          {"more.npy", bias},
                          {"3.bias.npy", etch::npy_bytes({{3}, {1, 2, 3}})},
                          {"3.bias.npy", bias}}),
                 parse) ==
        "w: these weights belong to another network:\n"
        "  wrong shape: 0.weight, expected [2, 1, 3, 3], found [1, 2]\n"
        "  wrong shape: 0.bias, expected [2], found [3]\n"
        "  wrong dtype: 0.bias, expected little-endian floats of 16, 32 or 64 bits, found <i8\n"
        "  missing: 3.weight [3, 8]\n"
        "  missing: 4.running_var [3]\n"
        "  missing: 4.running_mean [3]\n"
        "  missing: 4.weight [3]\n"
        "  missing: 4.bias [3]\n"
        "  surplus: more [1]\n"
        "  twice: 3.bias");
}

TEST_CASE("archives of other files are refused with the file") {
  CHECK(error_of_tiny(archive({{"a.txt", "abc"}})) ==
        "w: no .npz file: it holds 'a.txt', which is no .npy file");
  CHECK(error_of_tiny(file_bytes("small.pt")) ==
        "w: no .npz file: it holds 'small/data.pkl', which is no .npy file");
  CHECK(error_of_tiny(archive({{"a.npy", "abc"}})) ==
        "w: 'a.npy': no .npy file: it does not start as one");
  CHECK(error_of_tiny(archive({})) ==
        "w: these weights belong to another network:\n  missing: 0.weight [1, 2]\n"
        "  missing: 0.bias [1]");
}

TEST_CASE("files that are no archive, or a part of one, are refused") {
  CHECK(error_of_tiny("") == "w: no zip archive, or a part of one");
  CHECK(error_of_tiny(weight) == "w: no zip archive, or a part of one");
  check_truncations(file_bytes("small_f2.npz"), parse);
  check_truncations(file_bytes("small_compressed.npz"), parse);
}

TEST_CASE("an archive may end in a comment") {
  const std::string comment = "PK\x05\x06, a comment that looks like an end";
  std::string file = changed(0, "");
  file[file.size() - 2] = static_cast<char>(comment.size());
  CHECK(error_of_tiny(file + comment).empty());
  CHECK(error_of_tiny(file + comment + "x") == "w: no zip archive, or a part of one");
}

TEST_CASE("records of an archive that lie are refused") {
  const std::string damaged = "w: its central directory is damaged";
  const std::string four(4, '\xFF');
  REQUIRE(changed(0, "").size() == end + 22);
  CHECK(error_of_tiny(changed(0, "")).empty());

  CHECK(error_of_tiny(changed(end + 4, "\x01")) == "w: a part of a zip archive");
  CHECK(error_of_tiny(changed(end + 10, "\x03")) == "w: a part of a zip archive");
  CHECK(error_of_tiny(changed(end + 8, std::string("\x03\x00\x03\x00", 4))) == damaged);
  CHECK(error_of_tiny(changed(end + 8, four)) ==
        "w: it is in the zip64 format, which is not read");
  CHECK(error_of_tiny(changed(end + 12, four)) ==
        "w: it is in the zip64 format, which is not read");
  CHECK(error_of_tiny(changed(end + 12, "\x01")) == damaged);
  CHECK(error_of_tiny(changed(end + 13, "\x01")) == damaged);
  CHECK(error_of_tiny(changed(end + 16, "\xFF\xFF\xFF\x7F")) == damaged);

  CHECK(error_of_tiny(changed(central, "Q")) == damaged);
  CHECK(error_of_tiny(changed(central + 8, "\x01")) == "w: '0.weight.npy' is encrypted");
  CHECK(error_of_tiny(changed(central + 10, "\x0C")) ==
        "w: '0.weight.npy' is compressed by method 12, not by deflate");
  CHECK(error_of_tiny(changed(central + 16, "abcd")) ==
        "w: '0.weight.npy' is damaged: its checksum is wrong");
  CHECK(error_of_tiny(changed(30 + 12 + 130, "\x01")) ==
        "w: '0.weight.npy' is damaged: its checksum is wrong");
  CHECK(error_of_tiny(changed(central + 20, four)) ==
        "w: '0.weight.npy' is in the zip64 format, which is not read");
  CHECK(error_of_tiny(changed(central + 24, "\x01")) ==
        "w: '0.weight.npy' is damaged: it is not compressed, yet has two sizes");
  CHECK(error_of_tiny(changed(central + 20, "\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x7F")) ==
        "w: '0.weight.npy' is damaged: it reaches beyond the end of the file");
  CHECK(error_of_tiny(changed(central + 28, "\xFF\xFF")) == damaged);
  CHECK(error_of_tiny(changed(central + 42, "\x01")) ==
        "w: '0.weight.npy' is damaged: its local header is not where it should be");
  CHECK(error_of_tiny(changed(central + 42, "\xF0\xFF\xFF\x7F")) ==
        "w: '0.weight.npy' is damaged: its local header is not where it should be");
}

TEST_CASE("entries that overlap are refused before they unpack to any size") {
  const std::string one = archive({{"a.npy", weight}});
  const std::size_t row = 30 + 5 + weight.size(), tail = row + 46 + 5;
  std::string rows;
  for (int i = 0; i < 3; ++i) rows += one.substr(row, 46 + 5);
  std::string bytes = one.substr(0, row) + rows + one.substr(tail);
  const std::size_t record = row + rows.size();
  bytes[record + 8] = bytes[record + 10] = 3;
  bytes[record + 12] = static_cast<char>(rows.size());
  CHECK(error_of_tiny(bytes) == "w: its entries overlap");
}

TEST_CASE(".npz files that a fuzzer found are read or refused") {
  fuzz::check_corpus("npz", parse, to_bytes);
}
