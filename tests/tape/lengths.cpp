// SPDX-License-Identifier: BSL-1.0
// Which axes of which values go by the length of a run, and what wants the whole of them.
#include <vector>

#include "by_hand.hpp"
#include "catch.hpp"
#include "etch/tape/plan.hpp"
#include "etch/tape/varying.hpp"

namespace {

using namespace etch;
using by_hand::dims;

/// f of x [8, 6], of which there are up to 8 rows.
template <class F> Tape up_to_8(F f) {
  Tape tape;
  const Value x{&tape, by_hand::push_leaf(tape, Op::input, 0, dims({8, 6}))};
  tape.outputs.push_back(f(x).id);
  return with_lengths(tape, {{.shape = dims({8, 6}), .vary = 1}}, 8);
}

template <class F> int axes_of(F f) {
  const Tape tape = up_to_8(f);
  CHECK_FALSE(tape.origin.needs_all);
  return tape[tape.outputs[0]].varies;
}

template <class F> bool needs_all(F f) { return up_to_8(f).origin.needs_all; }

Attributes swapped() {
  Attributes attr;
  attr.order[0] = 1;
  return attr;
}

}  // namespace

TEST_CASE("axes of variable length are followed through the tape") {
  CHECK(axes_of([](Value x) { return exp(x); }) == 1);
  CHECK(axes_of([](Value x) { return permute(x, swapped()); }) == 2);
  CHECK(axes_of([](Value x) { return matmul(x, x, false, true); }) == 3);
  CHECK(axes_of([](Value x) { return matmul(x, x, true, false); }) == 0);
  CHECK(axes_of([](Value x) { return sum(x, 1); }) == 0);
  CHECK(axes_of([](Value x) { return sum(x, 2); }) == 1);
  CHECK(axes_of([](Value x) { return reshape(x, dims({1, 8, 2, 3})); }) == 2);
  CHECK(axes_of([](Value x) { return reshape(x, dims({48})); }) == 1);
  CHECK(axes_of([](Value x) { return reshape(reshape(x, dims({48})), dims({16, 3})); }) == 1);
  CHECK(axes_of([](Value x) { return slice(x, {.axis = 0, .step = 1}, 1); }) == 0);
  CHECK(axes_of([](Value x) { return slice(x, {.axis = 1, .start = 2, .step = 1}, 3); }) == 1);
}

TEST_CASE("what looks for the end of an axis wants the whole of it") {
  CHECK(needs_all([](Value x) { return slice(x, {.axis = 0, .start = 1, .step = 1}, 1); }));
  CHECK(needs_all([](Value x) { return slice(x, {.axis = 0, .step = 1}, 2); }));
  CHECK(needs_all([](Value x) { return pad(x, {.axis = 0, .step = 1}, dims({9, 6})); }));
  CHECK(needs_all([](Value x) { return reshape(permute(x, swapped()), dims({48})); }));
  CHECK_FALSE(needs_all([](Value x) { return pad(x, {.axis = 1, .step = 1}, dims({8, 7})); }));
}

TEST_CASE("an axis that varies is merged with what is behind it, not with what is before") {
  const Tape rows = up_to_8([](Value x) { return exp(x); });
  const auto nothing = [](const Tape&, const Instruction&) { return std::size_t{0}; };
  const Program merged = plan(rows, nothing);
  REQUIRE(merged.steps.size() == 1);
  CHECK(merged.steps[0].domain == dims({48}));
  CHECK(merged.steps[0].vary == 1);

  const Tape columns = up_to_8([](Value x) { return exp(permute(x, swapped())); });
  const Program apart = plan(columns, nothing);
  REQUIRE(apart.steps.size() == 1);
  CHECK(apart.steps[0].domain == dims({6, 8}));
  CHECK(apart.steps[0].vary == 2);
}

TEST_CASE("a mean divides by the length of the run") {
  const auto mean = [](double count) {
    return up_to_8([=](Value x) {
      const Value total = sum(x, 1);
      return total / detail::number(total, count);
    });
  };
  CHECK(mean(8)[mean(8).outputs[0]].op == Op::mul);
  CHECK(mean(7)[mean(7).outputs[0]].op == Op::div);
}
