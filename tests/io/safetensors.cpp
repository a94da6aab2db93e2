// SPDX-License-Identifier: BSL-1.0
#include "etch/io/safetensors.hpp"

#include <string>

#include "catch.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/names.hpp"
#include "fuzz/check.hpp"
#include "io/weights.hpp"

namespace {

// Without names of other keys.
constexpr auto parse = [](auto&&... x) { return etch::parse_safetensors(x...); };
constexpr auto reader = [](auto&&... x) { return etch::read_safetensors(x...); };
constexpr auto writer = [](auto&&... x) { return etch::write_safetensors(x...); };
constexpr auto to_bytes = [](const auto& parameters) {
  return etch::safetensors_bytes(parameters);
};

using Tiny = etch::Network<etch::Input<2>, etch::Linear<1>>;

/// A file with this header, and `count` bytes behind it.
std::string file(const std::string& header, std::size_t count) {
  std::string bytes;
  etch::detail::append_little_endian(bytes, header.size(), 8);
  return bytes + header + std::string(count, '\0');
}

std::string error_of_tiny(const std::string& bytes) {
  return error_of<Tiny>(bytes, parse);
}
std::string error_of_header(const std::string& header, std::size_t count = 12) {
  return error_of_tiny(file(header, count));
}

/// A header of the two tensors of Tiny, the first of which is `weight`.
std::string with_weight(const std::string& weight) {
  return R"({"0.weight":)" + weight +
         R"(,"0.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})";
}
std::string weight_is(const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
  return with_weight("{\"dtype\":" + dtype + ",\"shape\":" + shape +
                     ",\"data_offsets\":" + offsets + "}");
}

const std::string good = weight_is(R"("F32")", "[1,2]", "[0,8]");

}  // namespace

TEST_CASE("weights survive the way through safetensors bit by bit") {
  const auto written = special_weights();
  etch::Parameters<Small> read;
  const auto result = etch::parse_safetensors(etch::safetensors_bytes(written), "w", read);
  CHECK(result.error().message.empty());
  CHECK(same_bits(read, written));
}

TEST_CASE("PyTorch's weights are read from F32, F16, BF16 and F64") {
  for (const std::string dtype : {"f32", "f16", "bf16", "f64"}) {
    etch::Parameters<Small> read;
    const auto result = etch::read_safetensors("io/files/small_" + dtype + ".safetensors", read);
    CAPTURE(dtype, result.error().message);
    CHECK(result);
    CHECK(same_bits(read, weights_of_files<Small>()));
  }
}

TEST_CASE("safetensors are written byte by byte as PyTorch's are") {
  CHECK(etch::safetensors_bytes(weights_of_files<Small>()) ==
        file_bytes("small_f32.safetensors"));
}

TEST_CASE("weights that PyTorch ties are read once, and written under all of their names") {
  using Tied = etch::Network<etch::Input<2>, etch::Share<"leg", etch::Linear<2>>, etch::Tanh,
                             etch::Share<"leg", etch::Linear<2>>>;
  etch::KeyNames names = {{"leg", "0"}, {"leg", "2"}};
  const auto with_names = [&](const std::string& bytes, auto path, auto& parameters) {
    return etch::parse_safetensors(bytes, path, parameters, names);
  };
  std::string bytes = file_bytes("tied.safetensors");
  etch::Parameters<Tied> read;
  REQUIRE(with_names(bytes, "w", read).error().message.empty());
  CHECK(read["leg.bias"_k](1) == 8);
  CHECK(etch::safetensors_bytes(read, names) == bytes);

  bytes.back() ^= 1;
  CHECK(error_of<Tied>(bytes, with_names) ==
        "w: these weights belong to another network:\n"
        "  not equal: 0.weight and 2.weight, both leg.weight of the network");
  names[1].file = "1";
  CHECK(error_of<Tied>(bytes, with_names) ==
        "w: these weights belong to another network:\n"
        "  missing: 1.weight [2, 2]\n"
        "  missing: 1.bias [2]\n"
        "  surplus: 2.bias [2]\n"
        "  surplus: 2.weight [2, 2]");
}

TEST_CASE("a safetensors file is written and read") {
  check_file(".safetensors", reader, writer);
}

TEST_CASE("one error lists all tensors that do not belong to the network") {
  CHECK(error_of(file(R"({"0.weight":{"dtype":"F32","shape":[2,9],"data_offsets":[0,72]},
            "3.weight":{"dtype":"I32","shape":[3,8],"data_offsets":[72,168]},
            "3.bias":{"dtype":"I64","shape":[],"data_offsets":[168,176]},
            "9.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[176,184]},
            "head\n.bias":{"dtype":"F16","shape":[1,2],"data_offsets":[184,188]},
            "4.bias":{"dtype":"BF16","shape":[3],"data_offsets":[188,194]}})",
                      194),
                 parse) ==
        "w: these weights belong to another network:\n"
        "  wrong shape: 0.weight, expected [2, 1, 3, 3], found [2, 9]\n"
        "  missing: 0.bias [2]\n"
        "  wrong dtype: 3.weight, expected little-endian floats of 16, 32 or 64 bits, found I32\n"
        "  wrong shape: 3.bias, expected [3], found []\n"
        "  wrong dtype: 3.bias, expected little-endian floats of 16, 32 or 64 bits, found I64\n"
        "  missing: 4.running_var [3]\n"
        "  missing: 4.running_mean [3]\n"
        "  missing: 4.weight [3]\n"
        "  surplus: 9.num_batches_tracked []\n"
        "  surplus: head?.bias [1, 2]");
}

TEST_CASE("a tensor that comes twice is an error") {
  const std::string bias = R"("0.bias":{"dtype":"F32","shape":[1],"data_offsets":[)";
  CHECK(error_of_header(R"({"0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)" +
                            bias + "8,12]}," + bias + "12,16]}}",
                        16) == "w: these weights belong to another network:\n  twice: 0.bias");
}

TEST_CASE("files that are no safetensors, or a part of them, are refused") {
  CHECK(error_of_tiny("") == "w: no safetensors file: it has 0 bytes");
  CHECK(error_of_tiny("PK\x03\x04 is of zip files") ==
        "w: no safetensors file, or a part of one: the header is said to have 2338328217762614096 "
        "bytes, there are 12");
  CHECK(error_of_header(good, 12).empty());
  CHECK(error_of_header(good, 11) ==
        "w: '0.bias' is said to be at bytes 8 to 12, but there are 11");
  CHECK(error_of_header(good, 13) == "w: the tensors end at byte 12 of 13 behind the header");
  check_truncations(file_bytes("small_f16.safetensors"), parse);
}

TEST_CASE("a header that is not JSON is refused with the place") {
  CHECK(error_of_header("") == "w: the header is not JSON at its byte 1");
  CHECK(error_of_header("{\"0.weight\":}") == "w: the header is not JSON at its byte 13");
  CHECK(error_of_header(good + "]") == "w: the header is not JSON at its byte 123");
  CHECK(error_of_header("{\"\xFF\":1}") == "w: the header is not JSON at its byte 3");
  CHECK(error_of_header(good + "  \n").empty());
}

TEST_CASE("a header of another structure is refused with the tensor") {
  for (const char* other : {"[]", "1", "null", "\"F32\"", "[[[["}) {
    CHECK(error_of_header(other) == "w: the header is no JSON object");
  }
  const std::string message =
      "w: the header does not say of '0.weight' just dtype (a string), shape and data_offsets "
      "(whole numbers, the latter two)";
  const std::string values[] = {
      "1",
      "[]",
      "{}",
      "true",
      R"({"dtype":"F32","shape":[1,2]})",
      R"({"dtype":"F32","shape":[1,2],"data_offsets":[0,8],"more":1})",
      R"({"dtype":"F32","dtype":"F32","shape":[1,2],"data_offsets":[0,8]})",
  };
  for (const std::string& value : values) {
    CAPTURE(value);
    CHECK(error_of_header(with_weight(value)) == message);
  }
  for (const char* dtype : {"4", "[]", "null", "{}"}) {
    CHECK(error_of_header(weight_is(dtype, "[1,2]", "[0,8]")) == message);
  }
  for (const char* shape : {"[1,-2]", "[1,2.0]", "2", "[[1],2]", "\"[1,2]\"", "[1e0,2]", "[{}]",
                            "[18446744073709551616]"}) {
    CHECK(error_of_header(weight_is("\"F32\"", shape, "[0,8]")) == message);
  }
  for (const char* offsets : {"[0]", "[]", "[0,8,8]", "[0,null]", "{}"}) {
    CHECK(error_of_header(weight_is("\"F32\"", "[1,2]", offsets)) == message);
  }
  for (const char* metadata : {"1", "[]", R"({"a":1})", R"({"a":{}})", R"({"a":["b"]})"}) {
    CHECK(error_of_header(R"({"__metadata__":)" + std::string(metadata) + "," + good.substr(1)) ==
          "w: __metadata__ in the header is no object of strings");
  }
}

TEST_CASE("metadata does not matter") {
  CHECK(error_of_header(R"({"__metadata__":{"format":"pt","dtype":""},)" + good.substr(1)).empty());
  CHECK(error_of_header(R"({"__metadata__":{},)" + good.substr(1)).empty());
}

TEST_CASE("places outside of the file are refused") {
  const std::string at = "w: '0.weight' is said to be at bytes ";
  const std::string f32 = "\"F32\"";
  CHECK(error_of_header(weight_is(f32, "[1,2]", "[0,18446744073709551615]")) ==
        at + "0 to 18446744073709551615, but there are 12");
  CHECK(error_of_header(weight_is(f32, "[1,2]", "[8,0]")) ==
        at + "8 to 0, but the tensor before it ends at 0");
  CHECK(error_of_header(weight_is(f32, "[1,2]", "[0,0]")) ==
        at + "0 to 0, but its shape is [1, 2] of F32");
  CHECK(error_of_header(weight_is("\"I8\"", "[1,2]", "[0,7]")) ==
        "w: '0.bias' is said to be at bytes 8 to 12, but the tensor before it ends at 7");
  CHECK(error_of_header(weight_is(f32, "[1,2]", "[1,8]")) ==
        at + "1 to 8, but the tensor before it ends at 0");
  CHECK(error_of_header(weight_is(f32, "[1,2]", "[0,9]")) ==
        at + "0 to 9, but its shape is [1, 2] of F32");
  CHECK(error_of_header(weight_is(f32, "[4294967296,4294967296]", "[0,8]")) ==
        at + "0 to 8, but its shape is [4294967296, 4294967296] of F32");
}

TEST_CASE("safetensors that a fuzzer found are read or refused") {
  fuzz::check_corpus("safetensors", parse, to_bytes);
}
