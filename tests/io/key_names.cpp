// SPDX-License-Identifier: BSL-1.0
#include "etch/io/key_names.hpp"

#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "etch/io/npz.hpp"
#include "io/weights.hpp"

namespace {

using etch::KeyNames;

std::string key_in_file(const std::string& name, const KeyNames& names) {
  const std::vector<std::string> keys = etch::detail::keys_in_file(name, names);
  REQUIRE(keys.size() == 1);
  return keys[0];
}

const KeyNames members = {{"0", "features.conv"}, {"3", "head"}, {"4", "head.norm"}};

std::string error_of_names(const KeyNames& names) {
  return error_of(etch::npz_bytes(special_weights()), [&](const auto& bytes, auto path, auto& p) {
    return etch::parse_npz(bytes, path, p, names);
  });
}

}  // namespace

TEST_CASE("a name that begins with a part of a network gets the key of a member") {
  CHECK(key_in_file("0.weight", members) == "features.conv.weight");
  CHECK(key_in_file("4.running_var", members) == "head.norm.running_var");
  CHECK(key_in_file("30.weight", members) == "30.weight");
  CHECK(key_in_file("2.0.bias", members) == "2.0.bias");
  CHECK(key_in_file("2.weight", {{"2.weight", "w"}}) == "w");
}

TEST_CASE("the longest of several names holds") {
  const KeyNames names = {{"", "net"}, {"1", "b"}, {"1.2", "c"}};
  CHECK(key_in_file("0.weight", names) == "net.0.weight");
  CHECK(key_in_file("1.0.weight", names) == "b.0.weight");
  CHECK(key_in_file("1.2.weight", names) == "c.weight");
}

TEST_CASE("an empty name takes a part of a name away") {
  CHECK(key_in_file("0.weight_ih_l0", {{"0", ""}}) == "weight_ih_l0");
  CHECK(key_in_file("1.0.weight", {{"1", ""}}) == "0.weight");
}

TEST_CASE("a file with other keys is written and read, counts of batches included") {
  const std::string name = "etch_" + std::to_string(std::random_device{}()) + ".npz";
  const std::string path = (std::filesystem::temp_directory_path() / name).string();
  REQUIRE(etch::write_npz(special_weights(), path, members));
  etch::Parameters<Small> parameters;
  CHECK(etch::read_npz(path, parameters, members).error().message.empty());
  CHECK(same_bits(parameters, special_weights()));

  const std::string bytes = etch::read_file(path).value();
  CHECK(bytes.find("head.norm.num_batches_tracked.npy") != bytes.npos);
  const std::string message = error_of(bytes, [](const auto& b, auto file, auto& p) {
    return etch::parse_npz(b, file, p, {{"0", "features.conv"}, {"4", "head.norm"}});
  });
  CHECK(message == "w: these weights belong to another network:\n"
                   "  missing: 3.weight [3, 8]\n"
                   "  missing: 3.bias [3]\n"
                   "  surplus: head.bias [3]\n"
                   "  surplus: head.weight [3, 8]");
  std::remove(path.c_str());
}

TEST_CASE("names that do not fit the network are errors") {
  CHECK(error_of_names({{"", ""}}).empty());
  CHECK(error_of_names({{"7", "head"}}) ==
        "w: these weights belong to another network:\n  not in the network: 7");
  CHECK(error_of_names({{"3", "4"}}) ==
        "w: these weights belong to another network:\n"
        "  two tensors of one name: 4.weight\n"
        "  two tensors of one name: 4.bias\n"
        "  wrong shape: 4.weight, expected [3, 8], found [3]\n"
        "  surplus: 3.bias [3]\n"
        "  surplus: 3.weight [3, 8]");
  CHECK(error_of_names({{"0", "0"}, {"0", "0"}}) ==
        "w: these weights belong to another network:\n"
        "  two tensors of one name: 0.weight\n"
        "  two tensors of one name: 0.bias");
  CHECK(etch::write_npz(special_weights(), "no/such/w", {{"3", "4"}}).error().message ==
        "no/such/w: these names do not fit the network:\n"
        "  two tensors of one name: 4.weight\n"
        "  two tensors of one name: 4.bias");
}
