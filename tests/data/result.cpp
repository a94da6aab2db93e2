// SPDX-License-Identifier: BSL-1.0
#include "etch/data/result.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "catch.hpp"

using etch::Error;
using etch::Result;

static_assert(!std::is_convertible_v<Result<int>, bool>, "no silent arithmetic on a result");

TEST_CASE("a result with a value gives the value") {
  Result<std::string> result = std::string("abc");
  REQUIRE(result);
  CHECK(result.has_value());
  CHECK(*result == "abc");
  CHECK(result->size() == 3);
  result.value() += "d";
  CHECK(std::as_const(result).value() == "abcd");
  CHECK(result.error().message.empty());
}

TEST_CASE("a result without a value throws its message") {
  const Result<int> result = Error{"a.csv:1:1: the file is empty"};
  CHECK_FALSE(result);
  CHECK_FALSE(result.has_value());
  CHECK(result.error().message == "a.csv:1:1: the file is empty");
  CHECK_THROWS_WITH(result.value(), "a.csv:1:1: the file is empty");
  CHECK_THROWS_AS(result.value(), std::runtime_error);
}

TEST_CASE("a value that can only be moved moves out") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  CHECK(**result == 7);
  const std::unique_ptr<int> value = std::move(result).value();
  CHECK(*value == 7);
}

TEST_CASE("a result of nothing is success or an error") {
  const Result<void> done;
  CHECK(done);
  CHECK_NOTHROW(done.value());
  const Result<void> failed = Error{"disk full"};
  CHECK_FALSE(failed);
  CHECK_THROWS_WITH(failed.value(), "disk full");
}
