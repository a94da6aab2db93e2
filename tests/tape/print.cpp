// SPDX-License-Identifier: BSL-1.0
// A tape as text.
#include "etch/tape/print.hpp"

#include <string>

#include "by_hand.hpp"
#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/sequential.hpp"
#include "etch/tape/gradient.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"

namespace {

using namespace etch;

template <class L, class S> Tape tidy() {
  return with_vector_layout(tidied(lower<L, S>(2)));
}

}  // namespace

TEST_CASE("a tape prints an instruction a line, with names, attributes and shapes") {
  CHECK("\n" + to_string(tidy<Sequential<Linear<4>, ReLU>, Shape<3>>()) == R"(
%0 = input 0                             : batch [3]
%1 = parameter "0.weight"                : [3, 4]
%2 = reshape %0                          : batch [3, 1]
%3 = matmul %1 %2 transpose_a            : batch [4, 1]
%4 = reshape %3                          : batch [4]
%5 = parameter "0.bias"                  : [4]
%6 = add %4 %5                           : batch [4]
%7 = relu %6                             : batch [4]
return %7
)");
}

TEST_CASE("windows, axes and sums over samples are spelled out") {
  using Net = Sequential<Conv2d<2, 3, Stride<2>, Padding<1>, Bias<false>>, AvgPool2d<2>>;
  Tape tape = tidy<Net, Shape<1, 6, 4>>();
  tape = without_dead_code(gradient(tape, leaves(tape, Op::parameter)));
  CHECK("\n" + to_string(tape) == R"(
%0 = input 0                             : batch [1, 6, 4]
%1 = constant 1                          : [2, 1, 1]
%2 = avg_pool2d_gradient %1 kernel=2x2 stride=2x2 padding=0x0 : [2, 3, 2]
%3 = conv2d_weight_gradient %2 %0 stride=2x2 padding=1x1 dilation=1x1 groups=1 over_batch)"
                                   R"( : [2, 1, 3, 3]
return %3
)");
}

TEST_CASE("movement and reductions say along which axes") {
  Tape tape;
  const int x = by_hand::push_leaf(tape, Op::input, 0, by_hand::dims({2, 5}));
  const Value v{&tape, x};
  const Value cut = slice(v, {.axis = 1, .start = 1, .step = 2}, 2);
  const Value turned = permute(cut, detail::swap_last_two<2>());
  tape.outputs = {sum(turned, 0b11).id, detail::number(v, 0.5).id};
  CHECK("\n" + to_string(tape) == R"(
%0 = input 0                             : [2, 5]
%1 = slice %0 axis=1 start=1 step=2      : [2, 2]
%2 = permute %1 order=1,0                : [2, 2]
%3 = sum %2 axis=0 axis=1                : []
%4 = constant 0.5                        : [2, 5]
return %3 %4
)");
}
