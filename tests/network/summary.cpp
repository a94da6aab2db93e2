// SPDX-License-Identifier: BSL-1.0
#include "etch/network/summary.hpp"

#include <string>
#include <type_traits>

#include "catch.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/quantize.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/shape.hpp"

namespace {

using namespace etch;
using Image = Network<Input<1, 8, 8>, Conv2d<16, 3, Padding<1>>, ReLU, MaxPool2d<2>, Flatten,
                      Residual<Linear<256>, Tanh>, Linear<10>>;

}  // namespace

TEST_CASE("the summary lists each layer with its output, parameters, operations and bytes") {
  const std::string table = R"(
#  layer      output      parameters    FLOPs    bytes
------------------------------------------------------
   Input      [1, 8, 8]
0  Conv2d     [16, 8, 8]         160   19 456      640
1  ReLU       [16, 8, 8]           0    1 024        0
2  MaxPool2d  [16, 4, 4]           0    1 024        0
3  Flatten    [256]                0        0        0
4  Residual   [256]           65 792  131 840  263 168
5  Linear     [10]             2 570    5 130   10 280
------------------------------------------------------
   total                      68 522  158 474  274 088
)";
  // A cache line is 16 floats; how much a kernel wants to work in depends on the machine.
  const std::string budgets =
      "parameters: 274 112 bytes\nworkspace: " + detail::grouped(workspace_bytes<Image>) +
      " bytes\nstack: " + detail::grouped(stack_bytes<Image>) + " bytes\n";
  CHECK('\n' + summary<Image>() == table + budgets);
}

TEST_CASE("the summary of what streams says what a stream takes") {
  using Heard = Network<Input<8, 2>, GRU<4>>;
  const std::string text = summary<Heard>();
  const auto says = [&](const char* what, std::size_t bytes) {
    return text.find(what + detail::grouped(bytes) + " bytes\n") != std::string::npos;
  };
  CHECK(says("\nstate of a stream: ", state_bytes<Heard>));
  CHECK(says("\nworkspace of a step: ", stream_workspace_bytes<Heard>));
  CHECK(says("\nstack of a step: ", stream_stack_bytes<Heard>));
}

TEST_CASE("the summary of smaller weights counts their bytes, and the scales of their outputs") {
  using Net = Network<Input<8>, Linear<4>, ReLU, Linear<3>>;
  const std::string int8_text = summary<Quantized<Net, int8>>();
  CHECK(int8_text.find("  64\n") != std::string::npos);  // 32 weights, 4 biases, 4 scales
  CHECK(int8_text.find("  36\n") != std::string::npos);  // 12 weights, 3 biases, 3 scales
  CHECK(int8_text.find("100\nparameters: ") != std::string::npos);
  CHECK(summary<Quantized<Net, bf16>>().find("116\nparameters: ") != std::string::npos);
}

TEST_CASE("the summary of a network in a pipeline is that of its type") {
  constexpr auto pipeline = Input<3>{} | Linear<4>{} | ReLU{};
  CHECK(summary<std::remove_const_t<decltype(pipeline)>>() ==
        summary<Network<Input<3>, Linear<4>, ReLU>>());
  CHECK(detail::grouped(0) == "0");
  CHECK(detail::grouped(999) == "999");
  CHECK(detail::grouped(1000) == "1 000");
  CHECK(detail::grouped(1234567) == "1 234 567");
}
