// SPDX-License-Identifier: BSL-1.0
#include "etch/data/csv.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace {

using etch::CsvFormat;

const CsvFormat two_features{.features = 2, .classes = 10};

std::string error_of(std::string_view text, CsvFormat format = two_features) {
  return etch::parse_csv(text, "a.csv", format).error().message;
}

std::vector<float> inputs_of(std::string_view text, CsvFormat format = two_features) {
  const auto data = etch::parse_csv(text, "a.csv", format);
  INFO(data.error().message);
  REQUIRE(data);
  const auto inputs = data->inputs();
  return {inputs.begin(), inputs.end()};
}

}  // namespace

TEST_CASE("the digits are 1797 images of pixels 0 to 16 in ten classes") {
  const auto digits =
      etch::read_csv(ETCH_EXAMPLES_DIR "/data/digits.csv", {.features = 64, .classes = 10});
  INFO(digits.error().message);
  REQUIRE(digits);
  CHECK(digits->size() == 1797);
  CHECK(digits->features() == 64);
  CHECK(digits->classes() == 10);
  CHECK(std::ranges::min(digits->inputs()) == 0.0f);
  CHECK(std::ranges::max(digits->inputs()) == 16.0f);

  std::array<int, 10> counts{};
  for (const auto label : digits->labels()) ++counts.at(label);
  CHECK(counts == std::array{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});

  const auto first = digits->input(0).first(8);
  CHECK(std::vector(first.begin(), first.end()) == std::vector<float>{0, 0, 5, 13, 9, 1, 0, 0});
  CHECK(digits->label(0) == 0);
  CHECK(digits->input(1796).back() == 0.0f);
  CHECK(digits->label(1796) == 8);
}

TEST_CASE("line ends, a byte order mark, blank last lines and spaces do not matter") {
  const std::vector<float> expected{1, 2.5f, -3, 4e-2f};
  const std::string_view bodies[] = {
      "1,2.5,0\n-3,4e-2,9\n",
      "1,2.5,0\n-3,4e-2,9",
      "1,2.5,0\r\n-3,4e-2,9\r\n",
      "\xEF\xBB\xBF"
      "1,2.5,0\n-3,4e-2,9\n",
      "1,2.5,0\n-3,4e-2,9\n\n \n",
      " 1,\t2.5 ,0 \n -3 , +4e-2,9.0\n\r\n",
  };
  for (const auto body : bodies) {
    INFO(body);
    CHECK(inputs_of(body) == expected);
  }
}

TEST_CASE("header, separator, label column and regression targets follow the format") {
  const auto first = etch::parse_csv(
      "y;a;b\n7;1;2\n8;3;4\n", "a.csv",
      {.features = 2, .classes = 9, .label_column = 0, .header = true, .separator = ';'});
  REQUIRE(first);
  CHECK(std::ranges::equal(first->inputs(), std::array{1.0f, 2.0f, 3.0f, 4.0f}));
  CHECK(std::ranges::equal(first->labels(), std::array{7u, 8u}));

  const auto targets = etch::parse_csv("1,10,11,2\n3,12,13,4\n", "a.csv",
                                       {.features = 2, .targets = 2, .label_column = 1});
  REQUIRE(targets);
  CHECK(std::ranges::equal(targets->inputs(), std::array{1.0f, 2.0f, 3.0f, 4.0f}));
  CHECK(std::ranges::equal(targets->target(1), std::array{12.0f, 13.0f}));
  CHECK(targets->classes() == 0);
  CHECK(targets->labels().empty());
}

TEST_CASE("a field that is no finite number is named with line and column") {
  CHECK(error_of("1,2,3\n1,x3,3\n") == "a.csv:2:2: 'x3' is not a number (column 2 of 3)");
  CHECK(error_of("12abc,2,3\n") == "a.csv:1:1: '12abc' is not a number (column 1 of 3)");
  CHECK(error_of("1,2,3\n1,2,3\n0x10,2,3") == "a.csv:3:1: '0x10' is not a number (column 1 of 3)");
  CHECK(error_of("1,\"2\",3\n") == "a.csv:1:2: '\"2\"' is not a number (column 2 of 3)");
  CHECK(error_of("1 1,2,3\n") == "a.csv:1:1: '1 1' is not a number (column 1 of 3)");
  CHECK(error_of("+-1,2,3\n") == "a.csv:1:1: '+-1' is not a number (column 1 of 3)");
  CHECK(error_of("1,,3\n") == "a.csv:1:2: empty field (column 2 of 3)");
  CHECK(error_of("1,2,\n") == "a.csv:1:3: empty field (column 3 of 3)");
  CHECK(error_of("1,nan,3\n") == "a.csv:1:2: 'nan' is not finite (column 2 of 3)");
  CHECK(error_of("-inf,2,3\n") == "a.csv:1:1: '-inf' is not finite (column 1 of 3)");
  CHECK(error_of("1,1e39,3\n") == "a.csv:1:2: '1e39' is not finite (column 2 of 3)");
}

TEST_CASE("a row of another length is named with the first column that is wrong") {
  CHECK(error_of("1,2,3\n1,2\n") == "a.csv:2:3: expected 3 columns, found 2");
  CHECK(error_of("1,2,3,4,5\n") == "a.csv:1:4: expected 3 columns, found 5");
  CHECK(error_of("1,2,3,\n") == "a.csv:1:4: expected 3 columns, found 4");
  CHECK(error_of("1,2,3\n\n1,2,3\n") == "a.csv:2:1: blank line before a row");
}

TEST_CASE("a label must be an integer among the classes") {
  CHECK(error_of("1,2,10\n") == "a.csv:1:3: label '10' is out of range 0..9 (column 3 of 3)");
  CHECK(error_of("1,2,-1\n") == "a.csv:1:3: label '-1' is out of range 0..9 (column 3 of 3)");
  CHECK(error_of("1,2,1e300\n") == "a.csv:1:3: label '1e300' is out of range 0..9 (column 3 of 3)");
  CHECK(error_of("1,2,3\n1,2,3.5\n") == "a.csv:2:3: label '3.5' is not an integer (column 3 of 3)");
  CHECK(error_of("1,2,two\n") == "a.csv:1:3: label 'two' is not a number (column 3 of 3)");
  CHECK(error_of("1,2,nan\n") == "a.csv:1:3: label 'nan' is not finite (column 3 of 3)");
}

TEST_CASE("a file without rows is an error") {
  for (const std::string_view text : {"", "\n", " \r\n\r\n", "\xEF\xBB\xBF"}) {
    CHECK(error_of(text) == "a.csv:1:1: the file is empty");
  }
  CHECK(error_of("a,b,label\n", {.features = 2, .classes = 3, .header = true}) ==
        "a.csv:2:1: no rows after the header");
}

TEST_CASE("a file that cannot be read is an error with the reason") {
  CHECK(etch::read_csv("no/such.csv", two_features).error().message ==
        "no/such.csv: cannot be opened: No such file or directory");
  const auto folder = etch::read_csv(ETCH_EXAMPLES_DIR, two_features);
  CHECK(folder.error().message == ETCH_EXAMPLES_DIR ": cannot be read: Is a directory");
}

TEST_CASE("bytes that are no text are shown harmlessly") {
  CHECK(error_of(std::string_view("\0\x1b[31m,2,3\n", 11)) ==
        "a.csv:1:1: '??[31m' is not a number (column 1 of 3)");
  const std::string message = error_of(std::string(100000, 'z'));
  CHECK(message == "a.csv:1:1: '" + std::string(32, 'z') + "...' is not a number (column 1 of 3)");
}

TEST_CASE("a format that makes no sense is an error") {
  CHECK(error_of("1,2", {}) == "a.csv: CsvFormat: features is 0");
  CHECK(error_of("1,2", {.features = 1}) == "a.csv: CsvFormat: give either classes or targets");
  CHECK(error_of("1,2", {.features = 1, .classes = 2, .targets = 1}) ==
        "a.csv: CsvFormat: give either classes or targets");
  CHECK(error_of("1,2", {.features = 1, .classes = 2, .label_column = 2}) ==
        "a.csv: CsvFormat: label_column 2 is beyond the 2 columns");
}
