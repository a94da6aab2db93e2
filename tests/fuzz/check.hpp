// SPDX-License-Identifier: BSL-1.0
// What must hold of any bytes that are read as weights: for the fuzzers, and for the tests, which
// give to it what fuzzers found.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "etch/data/file.hpp"
#include "etch/network/parameters.hpp"
#include "io/small_network.hpp"

namespace fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

/// Either nothing is changed and an error says why, or what was read can be written and read again.
template <class Parse, class Write>
void check(std::string_view bytes, const Parse& parse, const Write& write) {
  using Parameters = etch::Parameters<Small>;
  static const Parameters drawn = [] {
    Parameters parameters;
    etch::initialize(parameters, 1);
    return parameters;
  }();
  Parameters read = drawn, again = drawn;
  const auto result = parse(bytes, "w", read);
  if (!result) {
    require(std::memcmp(&read, &drawn, sizeof read) == 0, "an error leaves the weights alone");
    require(result.error().message.starts_with("w: "), "an error names the file");
    return;
  }
  require(parse(write(read), "w", again).has_value(), "what was written can be read");
  require(std::memcmp(&read, &again, sizeof read) == 0, "what was written is what was read");
}

/// All files of a corpus.
template <class Parse, class Write>
void check_corpus(const std::string& format, const Parse& parse, const Write& write) {
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator("fuzz/corpus/" + format)) {
    const std::string bytes = etch::read_file(file.path().string()).value();
    const auto exact = std::make_unique<char[]>(bytes.size());  // sanitizers know where it ends
    std::memcpy(exact.get(), bytes.data(), bytes.size());
    check({exact.get(), bytes.size()}, parse, write);
    ++files;
  }
  require(files > 0, "there is a corpus");
}

}  // namespace fuzz
