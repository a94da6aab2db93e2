// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Reads the golden values of tests/golden, which make_golden.py wrote and explains.
/// The folder is the compile definition ETCH_GOLDEN_DIR, a string literal.
/// Whatever is missing or malformed throws std::runtime_error with file, line or case in it.
namespace golden {

/// Row-major, the batch first.
struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<double> data;
};

/// The entry `name`, or an error that says what is missing where.
template <class Value>
const Value& find(const std::map<std::string, Value>& entries, const std::string& name,
                  const std::string& where) {
  const auto found = entries.find(name);
  if (found == entries.end()) throw std::runtime_error(where + ": no '" + name + "'");
  return found->second;
}

struct Case {
  std::string where;  ///< file and case, for messages
  std::map<std::string, Tensor> tensors;

  const Tensor& tensor(const std::string& name) const { return find(tensors, name, where); }
  bool has(const std::string& name) const { return tensors.count(name) != 0; }
};

struct File {
  std::string path;
  std::map<std::string, Case> cases;

  const Case& at(const std::string& name) const { return find(cases, name, path); }
};

/// The lines of one file, in the order in which the parser below consumes them.
class Lines {
 public:
  explicit Lines(const std::string& path) : path_(path), file_(path) {
    if (!file_) throw std::runtime_error(path + ": cannot be opened");
  }

  /// The next line that is not a comment; false at the end of the file.
  bool next(std::istringstream& line) {
    std::string text;
    while (std::getline(file_, text)) {
      ++number_;
      if (text.empty() || text.front() == '#') continue;
      line = std::istringstream(text);
      return true;
    }
    return false;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(path_ + ":" + std::to_string(number_) + ": " + what);
  }

 private:
  std::string path_;
  std::ifstream file_;
  std::size_t number_ = 0;
};

/// The rest of a `tensor name dims...` line and the lines of numbers that follow it.
inline Tensor read_tensor(Lines& lines, std::istringstream& header) {
  Tensor tensor;
  std::size_t size = 1;
  for (std::size_t dim = 0; header >> dim; size *= dim) tensor.shape.push_back(dim);
  if (!header.eof() || tensor.shape.empty()) lines.fail("a tensor needs a name and dimensions");
  std::istringstream line;
  while (tensor.data.size() < size) {
    if (!lines.next(line)) lines.fail("the file ends within a tensor");
    for (double value = 0; line >> value;) tensor.data.push_back(value);
    if (!line.eof()) lines.fail("not a number");
  }
  if (tensor.data.size() != size) lines.fail("more numbers than the dimensions say");
  return tensor;
}

/// The tensors up to `end`.
inline Case read_case(Lines& lines, std::string where) {
  Case result{std::move(where), {}};
  std::istringstream line;
  while (lines.next(line)) {
    std::string keyword;
    std::string name;
    line >> keyword;
    if (keyword == "end") return result;
    if (keyword != "tensor" || !(line >> name)) lines.fail("expected 'tensor <name> ...'");
    if (result.has(name)) lines.fail("a second tensor '" + name + "'");
    result.tensors.emplace(name, read_tensor(lines, line));
  }
  lines.fail("the file ends within a case");
}

/// The file of one family: load("conv") reads conv.txt.
inline File load(const std::string& family, const std::string& folder = ETCH_GOLDEN_DIR) {
  File file{folder + "/" + family + ".txt", {}};
  Lines lines(file.path);
  std::istringstream line;
  while (lines.next(line)) {
    std::string keyword;
    std::string name;
    if (!(line >> keyword >> name) || keyword != "case") lines.fail("expected 'case <name>'");
    Case entry = read_case(lines, file.path + ", case " + name);
    if (!file.cases.emplace(name, std::move(entry)).second) lines.fail("a second case " + name);
  }
  return file;
}

}  // namespace golden
