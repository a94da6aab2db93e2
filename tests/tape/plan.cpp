// SPDX-License-Identifier: BSL-1.0
// Programs: buffers that never meet while both are alive, places that are used again, exact sizes.
#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "battery.hpp"
#include "catch.hpp"
#include "etch/tape/print.hpp"
#include "machine.hpp"

namespace {

using namespace etch;
using by_hand::dims;
using by_hand::push;
using by_hand::push_leaf;
using Kind = Location::Kind;

constexpr std::size_t no_scratch(const Tape&, const Instruction&) { return 0; }

/// Some heavy ops want working memory, of sizes that are no multiple of a line.
constexpr std::size_t some_scratch(const Tape&, const Instruction& i) {
  return i.op == Op::matmul ? 21 : i.op == Op::conv2d ? 5 : 0;
}

constexpr bool lays_out(const std::vector<Lifetime>& lives, const std::vector<std::size_t>& offsets,
                        std::size_t floats) {
  const Layout layout = lay_out(lives);
  return layout.offsets == offsets && layout.floats == floats;
}

static_assert(lays_out({}, {}, 0));
static_assert(lays_out({{.floats = 1, .first = 0, .last = 1}}, {0}, 16), "a line at least");
static_assert(lays_out({{16, 0, 1}, {17, 1, 2}, {16, 2, 3}}, {0, 16, 0}, 48),
              "the first is over when the third begins");
static_assert(lays_out({{16, 0, 2}, {16, 0, 0}, {16, 1, 2}}, {0, 16, 16}, 32));
static_assert(lays_out({{16, 0, 9}, {16, 0, 1}, {16, 0, 9}, {32, 2, 9}}, {0, 16, 32, 48}, 80),
              "a gap that is too small stays free");
static_assert(lays_out({{16, 0, 9}, {16, 0, 1}, {16, 0, 9}, {16, 2, 9}}, {0, 16, 32, 16}, 48),
              "a gap that fits is taken");
static_assert(lays_out({{20, 0, 1}, {20, 1, 2, 0}}, {0, 0}, 32), "a place that is taken over");
static_assert(lays_out({{16, 0, 1}, {0, 1, 1}}, {0, 0}, 16), "nothing takes no place");

/// x -> f -> g -> ... on n numbers of one sample.
constexpr Tape chain_of(std::size_t n, std::initializer_list<Op> ops) {
  Tape tape;
  int y = push_leaf(tape, Op::input, 0, dims({n}), true);
  for (const Op op : ops) y = push(tape, op, dims({n}), {y, -1, -1});
  tape.outputs = {y};
  return tape;
}

constexpr std::size_t workspace_of(const Tape& tape) { return plan(tape, no_scratch).workspace; }

static_assert(workspace_of(chain_of(20, {Op::exp})) == 0, "from input to output directly");
static_assert(workspace_of(chain_of(20, {Op::softmax, Op::softmax})) == 32);
static_assert(workspace_of(chain_of(20, {Op::softmax, Op::softmax, Op::softmax})) == 64);
static_assert(workspace_of(chain_of(20, {Op::softmax, Op::softmax, Op::softmax, Op::softmax,
                                         Op::softmax})) == 64, "two places, in turns");
static_assert(workspace_of(chain_of(20, {Op::softmax, Op::exp, Op::softmax})) == 32,
              "exp writes where it has read");

constexpr bool scratch_is_counted() {
  const auto forty = [](const Tape&, const Instruction&) { return std::size_t{40}; };
  const Program program = plan(chain_of(20, {Op::softmax, Op::softmax}), forty);
  return program.workspace == 32 + 48 && program.steps[0].scratch == 32;
}
static_assert(scratch_is_counted());

/// softmax(x) is read by exp and once more by the last product.
constexpr bool a_value_that_is_read_later_is_not_overwritten() {
  Tape tape = chain_of(20, {Op::softmax, Op::exp, Op::softmax});
  tape.outputs = {push(tape, Op::mul, dims({20}), {3, 1, -1})};
  return workspace_of(tape) == 64 + 32;  // softmax, exp, softmax of it
}
static_assert(a_value_that_is_read_later_is_not_overwritten());

/// y = softmax(x)^T is not read where it is written.
constexpr bool a_turned_value_is_not_overwritten() {
  Tape tape;
  int y = push_leaf(tape, Op::input, 0, dims({4, 4}), true);
  y = push(tape, Op::softmax, dims({4, 4}), {y, -1, -1});
  y = push(tape, Op::permute, dims({4, 4}), {y, -1, -1}, detail::swap_last_two<2>());
  y = push(tape, Op::exp, dims({4, 4}), {y, -1, -1});
  tape.outputs = {push(tape, Op::softmax, dims({4, 4}), {y, -1, -1})};
  return workspace_of(tape) == 32;
}
static_assert(a_turned_value_is_not_overwritten());

constexpr bool a_step_reads_and_writes_the_callers_memory() {
  const Program program = plan(chain_of(20, {Op::exp, Op::neg}), no_scratch);
  return program.steps.size() == 1 && program.locations.size() == 2 &&
         program.locations[0] == Location{Kind::input, 0} &&
         program.locations[1] == Location{Kind::output, 0};
}
static_assert(a_step_reads_and_writes_the_callers_memory());

std::vector<by_hand::Numbers> executed(const Tape& tape, const by_hand::Feed& feed,
                                       std::size_t (*scratch)(const Tape&, const Instruction&)) {
  const Program program = plan(tape, scratch);
  by_hand::Machine machine(tape, program, feed);
  const auto result = machine.run(scratch);
  CHECK(machine.complaint.empty());
  return result;
}

void check_execution(const Tape& tape, const by_hand::Feed& feed) {
  const auto want = by_hand::run(tape, feed);
  for (const auto scratch : {no_scratch, some_scratch}) {
    const auto got = executed(tape, feed, scratch);
    REQUIRE(got.size() == want.size());
    for (std::size_t k = 0; k < got.size(); ++k) CHECK(by_hand::near(got[k], want[k], 1e-12));
  }
}

}  // namespace

TEST_CASE("an executed program gives what the interpreter gives, and no step spoils another") {
  battery::for_each_tape([](const std::string& name, const Tape& tape,
                            const by_hand::Feed& feed) {
    INFO(name << "\n" << to_string(tape));
    check_execution(tape, feed);
  });
}

TEST_CASE("no two buffers that are alive together share memory, and the size is exact") {
  unsigned seed = 1;
  const auto random = [&seed](std::size_t n) {
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % n;
  };
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<Lifetime> lives;
    std::size_t birth = 0;
    for (int i = 0; i < 12; ++i) {
      birth += random(3);
      lives.push_back({.floats = 1 + random(60), .first = birth, .last = birth + random(6)});
    }
    const Layout layout = lay_out(lives);
    std::size_t end = 0;
    for (std::size_t i = 0; i < lives.size(); ++i) {
      const std::size_t from = layout.offsets[i], to = from + lives[i].floats;
      CHECK(from % line_floats == 0);
      end = std::max(end, round_to_line(to));
      for (std::size_t j = 0; j < i; ++j) {
        const bool together = lives[j].last >= lives[i].first && lives[i].last >= lives[j].first;
        const std::size_t other = layout.offsets[j];
        if (together) CHECK((to <= other || other + lives[j].floats <= from));
      }
    }
    CHECK(layout.floats == end);
  }
}

TEST_CASE("the workspace of hand-made tapes is exact") {
  CHECK(workspace_of(chain_of(20, {Op::softmax, Op::softmax, Op::softmax})) == 64);
  CHECK(a_value_that_is_read_later_is_not_overwritten());
  CHECK(a_turned_value_is_not_overwritten());
  CHECK(scratch_is_counted());
}

TEST_CASE("an iota that starts late or takes steps is read as such") {
  for (const auto& [start, step] : {std::pair{0, 1}, {1, 1}, {0, 2}, {1, 3}}) {
    Tape tape;
    tape.batch = 2;
    const int x = push_leaf(tape, Op::input, 0, dims({3}), true);
    const int count = push(tape, Op::iota, dims({8}));
    const Attributes attr{.start = static_cast<std::size_t>(start),
                          .step = static_cast<std::size_t>(step)};
    const int positions = push(tape, Op::slice, dims({3}), {count, -1, -1}, attr);
    tape.outputs = {push(tape, Op::mul, dims({3}), {x, positions, -1})};
    check_execution(tape, by_hand::feed_for(tape, 0.1, 1));
  }
}

TEST_CASE("outputs that are leaves, views or each other become places of their own") {
  Tape tape;
  tape.batch = 2;
  const int x = push_leaf(tape, Op::input, 0, dims({2, 3}), true);
  const int turned = push(tape, Op::permute, dims({3, 2}), {x, -1, -1}, detail::swap_last_two<2>());
  const int y = push(tape, Op::exp, dims({2, 3}), {x, -1, -1});
  const int flat = push(tape, Op::reshape, dims({6}), {y, -1, -1});
  const int number = push(tape, Op::constant, dims({}));
  tape[number].value = 2.5;
  tape.outputs = {x, turned, y, flat, y, number, x};
  const Tape distinct = with_distinct_outputs(tape);
  std::vector<int> storages;
  for (const int output : distinct.outputs) storages.push_back(storage_of(distinct, output));
  for (std::size_t i = 0; i < storages.size(); ++i) {
    CHECK(info(distinct[storages[i]].op).kind != OpKind::leaf);
    for (std::size_t j = 0; j < i; ++j) CHECK(storages[i] != storages[j]);
  }
  check_execution(distinct, by_hand::feed_for(distinct));
}
