// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "etch/expr/node.hpp"

namespace etch {

/// One step of a tape in single assignment form: instruction i computes value i from earlier ones.
///
/// A shape is that of *one sample*. A batched value has one such tensor per sample, contiguous, the
/// sample index running slowest; an unbatched one (a parameter, a constant, a sum over the batch)
/// exists once and is shared by all samples where the two meet. An op with a batched argument has a
/// batched result unless `attr.over_batch` says that it is summed over the samples.
///
/// Elementwise arguments all have the shape of the result (the front inserts `broadcast`).
///
///   input, parameter   attr.index
///   constant           value, any shape
///   iota               0, 1, 2, ... along attr.axis of `shape`
///   table              the numbers at `table`
///   random             from [0, 1): a function of two keys (args), attr.index and the place
///   reshape            same numbers in row-major order
///   detach             the argument, through which no gradient flows
///   permute            attr.order
///   slice              shape[axis] elements of x from attr.start, every attr.step-th
///   broadcast          NumPy's rule, from the shape of the argument to `shape`; if batched, also
///                      from a value that exists once to one per sample
///   concat             a then b along attr.axis
///   pad                the adjoint of slice: x placed at attr.start, attr.start + step, ..., zeros
///                      elsewhere; `shape` is that of the result
///   embedding          (table [rows, n], index) -> [index..., n]: for each index, that row; it
///                      counts without its fraction, and one outside of the table as the nearest
///                      inside
///   embedding_gradient (g [index..., n], index) -> [rows, n] = `shape`: each row of g added there
///   sum, max_reduce    over attr.axes (they disappear); sum also over samples if over_batch
///   softmax, log_softmax   over the last axis
///   matmul             over the last two axes, [.., M, K] x [.., K, N], leading axes equal or
///   absent
///                      on one side (shared)
///   conv1d             (x [L,C], weight [C,k,O]) -> [L - d (k - 1), O], time running slowest;
///                      d = attr.dilation[1]
///   conv2d             (x [C,H,W], weight [O,C/g,kh,kw]), cross-correlation as in PyTorch
///   conv2d_input_gradient   (g [O,H',W'], weight) -> [C,H,W] = `shape`
///   append             (w [L,C], x [n,C]): w with its last n rows replaced by x. w is an input,
///                      and the result lies in its memory
///   conv2d_weight_gradient  (g [O,H',W'], x [C,H,W]) -> [O,C/g,kh,kw] = `shape`
///   max_pool2d         padding counts as minus infinity
///   max_pool2d_gradient  (x, g): g added at the first maximum of each window of x, zeros elsewhere
///   max_pool2d_pick      (x, h): h [C,H,W] read at the first maximum of each window of x
///   avg_pool2d         padding counts as zero and is counted, as PyTorch's default
///   avg_pool2d_gradient  (g) -> `shape`
struct Instruction {
  Op op = Op::constant;
  bool batched = false;
  unsigned char varies = 0;  ///< bit k: a run may use less of axis k (see tape/varying.hpp)
  Dims shape{};
  std::array<int, 3> args = {-1, -1, -1};
  Attributes attr{};
  double value = 0;
  const double* table = nullptr;

  constexpr bool operator==(const Instruction&) const = default;
};

/// How a parameter is drawn before training: a constant, U(-a, a) or N(0, a^2).
struct Init {
  enum class Kind : unsigned char { constant, uniform, normal } kind = Kind::constant;
  double a = 0;

  constexpr bool operator==(const Init&) const = default;
};

/// A dotted name such as "3.0.weight", held by value so that a tape can be a constant.
struct Name {
  static constexpr std::size_t capacity = 63;
  char text[capacity + 1] = {};
  std::size_t length = 0;

  constexpr Name() = default;
  constexpr explicit Name(std::string_view s) { append(s); }

  constexpr void append(std::string_view s) {
    for (const char c : s) text[length++] = c;
  }

  /// "a" / "b" -> "a.b"; an empty side leaves no dot.
  constexpr Name operator/(std::string_view s) const {
    Name result = *this;
    if (length != 0 && !s.empty()) result.append(".");
    result.append(s);
    return result;
  }

  constexpr std::string_view view() const { return {text, length}; }
  constexpr bool operator==(const Name& other) const { return view() == other.view(); }
};

/// A row of the table of parameters and buffers. `shape` is what `state_dict` shows; where
/// `transposed` is set the library stores its first axis as the last: vectors run over outputs.
/// Small numbers of such a matrix [out, in] come in pairs of inputs: in memory it is
/// [in / 2, out, 2], so that a register of 32-bit lanes holds both for each of its outputs. So do
/// those of a kernel [out, in, k], as [in / 2, k, out, 2].
struct ParameterInfo {
  Name name{};
  Dims shape{};
  Init init{};
  bool transposed = false;
  Role role = Role::trained;
  NumberType type = NumberType::f32;

  constexpr bool operator==(const ParameterInfo&) const = default;

  constexpr bool in_pairs() const {
    return type != NumberType::f32 && transposed;
  }
  /// What it takes in memory, in floats.
  constexpr std::size_t floats() const {
    const std::size_t inputs = shape.rank < 2 ? 1 : shape[1];
    const std::size_t numbers = in_pairs() ? shape.size() / inputs * ((inputs + 1) / 2 * 2)
                                           : shape.size();
    return (numbers * bytes_of(type) + 3) / 4;
  }
  /// Where the i-th number in row-major order lies, counted in numbers.
  constexpr std::size_t place_of(std::size_t i) const {
    if (!transposed) return i;
    const std::size_t rows = shape[0], columns = shape.size() / rows;
    const std::size_t row = i / columns, column = i % columns;
    if (!in_pairs()) return column * rows + row;
    const std::size_t taps = columns / shape[1], input = column / taps, tap = column % taps;
    return ((input / 2 * taps + tap) * rows + row) * 2 + input % 2;
  }
};

/// What is to be known of the formula that a tape was lowered from.
struct Origin {
  bool by_phase = false;   ///< it is another one in training
  bool across = false;     ///< it has names that reach beyond it: taps, shared layers
  bool ambiguous = false;  ///< it has one name for two things
  bool needs_all = false;  ///< it wants the whole of an axis that varies
  std::size_t longest = 0;  ///< what axes vary up to, if any do

  constexpr bool operator==(const Origin&) const = default;
};

/// A program: instructions, the parameters they name, and which values are its results.
/// Passes are functions from tape to tape; they run in the compiler and equally at run time.
struct Tape {
  std::size_t batch = 1;   ///< samples per run
  Origin origin{};
  std::vector<Instruction> code{};
  std::vector<ParameterInfo> parameters{};
  std::vector<int> outputs{};

  constexpr std::size_t size() const { return code.size(); }
  constexpr const Instruction& operator[](int i) const {
    return code[static_cast<std::size_t>(i)];
  }
  constexpr Instruction& operator[](int i) { return code[static_cast<std::size_t>(i)]; }

  constexpr int push(const Instruction& instruction) {
    code.push_back(instruction);
    return static_cast<int>(code.size()) - 1;
  }

  constexpr bool operator==(const Tape&) const = default;
};

/// A tape at rest in a constant: the vectors of `Tape` cannot outlive a constant evaluation.
template <std::size_t instructions, std::size_t parameter_count, std::size_t output_count>
struct FrozenTape {
  std::size_t batch = 1;
  Origin origin{};
  std::array<Instruction, instructions> code{};
  std::array<ParameterInfo, parameter_count> parameters{};
  std::array<int, output_count> outputs{};

  constexpr Tape thaw() const {
    return {batch,
            origin,
            {code.begin(), code.end()},
            {parameters.begin(), parameters.end()},
            {outputs.begin(), outputs.end()}};
  }

  constexpr std::size_t size() const { return instructions; }
  constexpr const Instruction& operator[](int i) const {
    return code[static_cast<std::size_t>(i)];
  }
};

namespace detail {
/// A number, say, for each instruction: an array whose length is known when it is made. Compilers
/// take a multiple of its time over a std::vector, each of whose members calls a dozen functions.
template <class T> class Table {
 public:
  constexpr Table(std::size_t size, T value) : values_(new T[size]), size_(size) {
    for (std::size_t i = 0; i < size; ++i) values_[i] = value;
  }
  constexpr Table(Table&& other) noexcept
      : values_(std::exchange(other.values_, nullptr)), size_(other.size_) {}
  constexpr ~Table() { delete[] values_; }

  constexpr std::size_t size() const { return size_; }
  constexpr T* data() { return values_; }
  constexpr T& operator[](std::size_t i) { return values_[i]; }
  constexpr const T& operator[](std::size_t i) const { return values_[i]; }

 private:
  T* values_;
  std::size_t size_;
};

/// The first elements of `to` become those of `from`, or as many as there is room for.
template <class To, class From> constexpr void copy_all(const From& from, To& to) {
  const std::size_t n = from.size() < to.size() ? from.size() : to.size();
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
}

}  // namespace detail

/// Room to make a tape in, once; it is then cut to size. A longer one is made twice, the first time
/// to learn its size. Room that stays empty costs the compiler, too.
struct Room {
  std::size_t code = 24;
  std::size_t table = 8;  ///< parameters, and outputs
};

namespace detail {
template <class Make> constexpr Room room_for(const Make& make) {
  if constexpr (requires { make.room(); }) return make.room();
  else return {};
}
}  // namespace detail

/// Runs `make()` (a stateless callable that returns a Tape, and may know its `room()`) in the
/// compiler and keeps the result. What is frozen already stays as it is.
template <auto make> constexpr auto freeze()
  requires(!std::same_as<decltype(make()), Tape>)
{
  return make();
}
template <auto make> constexpr auto freeze() {
  constexpr Room room = detail::room_for(make);
  using Roomy = FrozenTape<room.code, room.table, room.table>;
  struct Made {
    Roomy tape;
    std::size_t sizes[3] = {};
  };
  constexpr Made made = [] {
    const Tape tape = make();
    Made result{.tape = {.batch = tape.batch, .origin = tape.origin},
                .sizes = {tape.code.size(), tape.parameters.size(), tape.outputs.size()}};
    detail::copy_all(tape.code, result.tape.code);
    detail::copy_all(tape.parameters, result.tape.parameters);
    detail::copy_all(tape.outputs, result.tape.outputs);
    return result;
  }();
  FrozenTape<made.sizes[0], made.sizes[1], made.sizes[2]> frozen;
  const auto keep = [&](const auto& tape) {
    frozen.batch = tape.batch;
    frozen.origin = tape.origin;
    detail::copy_all(tape.code, frozen.code);
    detail::copy_all(tape.parameters, frozen.parameters);
    detail::copy_all(tape.outputs, frozen.outputs);
  };
  constexpr bool fits = made.sizes[0] <= room.code && made.sizes[1] <= room.table &&
                        made.sizes[2] <= room.table;
  if constexpr (fits) keep(made.tape);
  else keep(make());
  return frozen;
}

}  // namespace etch
