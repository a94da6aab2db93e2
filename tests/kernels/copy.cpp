// SPDX-License-Identifier: BSL-1.0
#include "etch/kernels/copy.hpp"

#include <cstddef>

#include "catch.hpp"
#include "exact_buffer.hpp"

using namespace etch;

namespace {

template <ConcatSpec spec> void check_concat() {
  const auto a = ExactBuffer::uniform(spec.a_period * spec.a_inner, 1, 1);
  const auto b = ExactBuffer::uniform(spec.b_period * spec.b_inner, 2, 2);
  ExactBuffer y(spec.outer * (spec.a_inner + spec.b_inner), 3);
  HWY_NAMESPACE::concat<spec>(a.data(), b.data(), y.data());
  for (std::size_t o = 0, at = 0; o < spec.outer; ++o) {
    for (std::size_t i = 0; i < spec.a_inner; ++i, ++at) {
      CHECK(y[at] == a[o % spec.a_period * spec.a_inner + i]);
    }
    for (std::size_t i = 0; i < spec.b_inner; ++i, ++at) {
      CHECK(y[at] == b[o % spec.b_period * spec.b_inner + i]);
    }
  }
}

template <PadSpec spec> void check_pad() {
  const auto x = ExactBuffer::uniform(spec.outer * spec.count * spec.inner, 1, 3);
  ExactBuffer y(spec.outer * spec.extent * spec.inner, 2);
  HWY_NAMESPACE::pad<spec>(x.data(), y.data());
  for (std::size_t o = 0; o < spec.outer; ++o) {
    for (std::size_t e = 0; e < spec.extent; ++e) {
      const bool inside = e >= spec.start && (e - spec.start) % spec.step == 0 &&
                          (e - spec.start) / spec.step < spec.count;
      for (std::size_t i = 0; i < spec.inner; ++i) {
        const std::size_t row = inside ? (e - spec.start) / spec.step : 0;
        const float expected = inside ? x[(o * spec.count + row) * spec.inner + i] : 0.0f;
        CHECK(y[(o * spec.extent + e) * spec.inner + i] == expected);
      }
    }
  }
}

}  // namespace

TEST_CASE("concat puts the rows of two tensors behind each other") {
  check_concat<ConcatSpec{1, 1, 1, 1, 1}>();
  check_concat<ConcatSpec{3, 5, 8, 3, 3}>();
  check_concat<ConcatSpec{4, 17, 1, 4, 4}>();
  check_concat<ConcatSpec{2, 130, 33, 2, 2}>();
}

TEST_CASE("concat repeats an operand that all samples share") {
  check_concat<ConcatSpec{6, 3, 4, 2, 6}>();
  check_concat<ConcatSpec{6, 3, 4, 6, 1}>();
}

TEST_CASE("pad writes zeros around and between the rows") {
  check_pad<PadSpec{1, 1, 1, 1, 0, 1}>();
  check_pad<PadSpec{3, 9, 4, 5, 2, 1}>();
  check_pad<PadSpec{2, 40, 1, 33, 7, 1}>();
  check_pad<PadSpec{2, 9, 3, 3, 1, 3}>();
  check_pad<PadSpec{4, 19, 1, 9, 1, 2}>();
}
