// SPDX-License-Identifier: BSL-1.0
// Where the numbers behind movement ops are found in memory.
#include <initializer_list>

#include "by_hand.hpp"
#include "catch.hpp"
#include "etch/tape/interpret.hpp"
#include "etch/tape/value.hpp"
#include "etch/tape/view.hpp"

namespace {

using namespace etch;
using by_hand::dims;

/// Calls f(index) for every position of a shape, row-major.
template <class F> constexpr void for_each_position(const Dims& shape, F f) {
  std::size_t index[max_rank] = {};
  for (std::size_t n = 0; n < shape.size(); ++n) {
    f(index);
    for (std::size_t k = shape.rank; k-- > 0;) {
      if (++index[k] < shape[k]) break;
      index[k] = 0;
    }
  }
}

/// Whether reading `base` through the view of the last value gives what the interpreter computes.
constexpr bool reads_right(const Tape& tape, int base) {
  const int value = static_cast<int>(tape.size()) - 1;
  const View view = view_of(tape, value);
  if (view.base != base) return false;
  Interpreter<double> machine(tape);
  machine.set_input(0, by_hand::scattered(tape[0].shape.size(), 1));
  machine.run();
  bool right = true;
  std::size_t n = 0;
  for_each_position(tape[value].shape, [&](const std::size_t* index) {
    std::size_t at = view.access.offset;
    for (std::size_t k = 0; k < tape[value].shape.rank; ++k) at += index[k] * view.access.stride[k];
    right = right && machine.value(base)[at] == machine.value(value)[n++];
  });
  return right;
}

constexpr Value input(Tape& tape, std::initializer_list<std::size_t> extents) {
  return {&tape, by_hand::push_leaf(tape, Op::input, 0, dims(extents))};
}

constexpr Attributes order(std::size_t a, std::size_t b, std::size_t c) {
  Attributes attr;
  attr.order[0] = a;
  attr.order[1] = b;
  attr.order[2] = c;
  return attr;
}

constexpr Value sliced(Value x, std::size_t axis, std::size_t start, std::size_t step,
                       std::size_t count) {
  return slice(x, {.axis = axis, .start = start, .step = step}, count);
}

constexpr bool each_movement_op_is_looked_through() {
  Tape a, b, c, d, e;
  permute(input(a, {2, 3, 4}), order(2, 0, 1));
  sliced(input(b, {3, 7}), 1, 1, 2, 3);
  broadcast(input(c, {3, 1}), dims({2, 3, 4}));
  reshape(input(d, {2, 1, 3}), dims({1, 2, 3, 1}));
  broadcast(input(e, {}), dims({2, 2}));
  return reads_right(a, 0) && reads_right(b, 0) && reads_right(c, 0) && reads_right(d, 0) &&
         reads_right(e, 0);
}

/// A slice of a permute of a broadcast, and longer chains.
constexpr bool chains_are_looked_through() {
  Tape a, b, c, d;
  sliced(permute(broadcast(input(a, {3, 1}), dims({2, 3, 4})), order(1, 2, 0)), 0, 1, 1, 2);
  const Value cut = sliced(sliced(input(b, {2, 9, 3}), 1, 1, 2, 4), 1, 1, 2, 2);
  sliced(permute(cut, order(1, 2, 0)), 1, 2, 1, 1);
  const Value one = sliced(input(c, {4, 3}), 0, 2, 1, 1);  // [1, 3], then dropped, then stretched
  broadcast(reshape(one, dims({3})), dims({2, 3}));
  const Value column = reshape(sliced(input(d, {3, 4}), 1, 1, 1, 1), dims({1, 3, 1}));
  permute(broadcast(column, dims({2, 3, 2})), order(2, 1, 0));
  return reads_right(a, 0) && reads_right(b, 0) && reads_right(c, 0) && reads_right(d, 0);
}

/// A reshape that regroups axes is where strides end: what is behind it lies there, contiguous.
constexpr bool a_regrouping_ends_the_way() {
  Tape tape;
  const Value x = input(tape, {2, 6});
  const Value regrouped = reshape(x, dims({4, 3}));
  permute(regrouped, order(1, 0, 0));
  return reads_right(tape, regrouped.id) && storage_of(tape, regrouped.id) == x.id;
}

static_assert(each_movement_op_is_looked_through());
static_assert(chains_are_looked_through());
static_assert(a_regrouping_ends_the_way());

/// Compares every address of an access over `domain` with that of the merged one over `target`.
constexpr bool merges_right(const Domain& domain, const DomainAccess& from, const Dims& target) {
  const MergedAccess merged = merge_onto(domain, from, target);
  if (!merged.ok) return false;
  for (std::size_t n = 0; n < target.size(); ++n) {
    std::size_t before = from.offset, after = merged.access.offset;
    for (std::size_t k = domain.rank, rest = n; k-- > 0; rest /= domain.extent[k]) {
      before += rest % domain.extent[k] * from.stride[k];
    }
    for (std::size_t k = target.rank, rest = n; k-- > 0; rest /= target[k]) {
      after += rest % target[k] * merged.access.stride[k];
    }
    if (before != after) return false;
  }
  return true;
}

constexpr Domain batch_of_2 = {4, {2, 3, 4, 5}};
constexpr DomainAccess all = {0, {60, 20, 5, 1}};
constexpr DomainAccess per_row = {7, {0, 1, 0, 0}};        // [3] along the second axis
constexpr DomainAccess transposed = {0, {60, 20, 1, 4}};   // the last two axes exchanged
constexpr DomainAccess shared = {0, {0, 20, 5, 1}};        // the same for both samples
constexpr DomainAccess every_other = {0, {0, 0, 0, 2}};

static_assert(merges_right(batch_of_2, all, dims({120})));
static_assert(merges_right(batch_of_2, all, dims({2, 3, 20})));
static_assert(merges_right(batch_of_2, all, dims({1, 6, 20})), "extents of one match nothing");
static_assert(merges_right(batch_of_2, per_row, dims({2, 3, 20})));
static_assert(merges_right(batch_of_2, shared, dims({2, 60})));
static_assert(merges_right(batch_of_2, every_other, dims({2, 12, 5})));
static_assert(merges_right(batch_of_2, transposed, dims({6, 4, 5})));
static_assert(merges_right({4, {1, 3, 1, 5}}, {0, {0, 5, 0, 1}}, dims({1, 3, 5})));

static_assert(!merge_onto(batch_of_2, per_row, dims({6, 20})).ok, "each sample starts over");
static_assert(!merge_onto(batch_of_2, shared, dims({120})).ok);
static_assert(!merge_onto(batch_of_2, transposed, dims({6, 20})).ok);
static_assert(!merge_onto(batch_of_2, all, dims({8, 15})).ok, "8 is no product of these axes");

static_assert(contiguous(dims({2, 1, 3})).stride == Array6<std::size_t>{{3, 0, 1}, {}});
static_assert(squeezed(dims({1, 2, 1, 3})) == dims({2, 3}) && squeezed(dims({1})) == Dims{});

}  // namespace

TEST_CASE("every movement op but a regrouping is read in place") {
  CHECK(each_movement_op_is_looked_through());
  CHECK(a_regrouping_ends_the_way());
}

TEST_CASE("slices of permutes of broadcasts are read in place") {
  CHECK(chains_are_looked_through());
}

TEST_CASE("accesses merge where all addresses stay the same, and only there") {
  CHECK(merges_right(batch_of_2, all, dims({2, 3, 20})));
  CHECK_FALSE(merge_onto(batch_of_2, shared, dims({120})).ok);
}

TEST_CASE("an iota counts by itself, from 0 in steps of 1, and only then") {
  Tape tape;
  const Value x = detail::emit(tape, Op::iota, dims({6}));
  CHECK(counts_positions(view_of(tape, broadcast(x, dims({2, 6})).id)));
  CHECK(counts_positions(view_of(tape, sliced(x, 0, 0, 1, 3).id)));
  CHECK_FALSE(counts_positions(view_of(tape, sliced(x, 0, 1, 1, 3).id)));
  CHECK_FALSE(counts_positions(view_of(tape, sliced(x, 0, 0, 2, 3).id)));
}
