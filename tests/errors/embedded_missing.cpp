// SPDX-License-Identifier: BSL-1.0
// Weights that end before the network does.
// expect: these weights belong to another network: another tensor in this place
// expect: AtTensor<8>, Expected<Named<FixedString<9>{"5.weight"}, Shape<3, 3>>
// expect: Got<NoTensor>
#include "../io/small_network.hpp"
#include "../io/small_weights.hpp"

#ifdef MISTAKE
using Net = etch::Network<etch::Input<1, 4, 4>, etch::Conv2d<2, 3>, etch::ReLU, etch::Flatten,
                          etch::Linear<3>, etch::BatchNorm1d<>, etch::Linear<3>>;
#else
using Net = Small;
#endif

constexpr auto parameters = etch::embedded_parameters<Net>(test::etch::std::weights);
