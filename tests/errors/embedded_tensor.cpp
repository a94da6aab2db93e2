// SPDX-License-Identifier: BSL-1.0
// Weights that belong to a network with other layers.
// expect: these weights belong to another network: another tensor in this place
// expect: AtTensor<2>, Expected<Named<FixedString<9>{"2.weight"}, Shape<3, 8>>
// expect: Got<Named<FixedString<9>{"3.weight"}, Shape<3, 8>>
#include "../io/small_network.hpp"
#include "../io/small_weights.hpp"

#ifdef MISTAKE
using Net =
    etch::Network<etch::Input<1, 4, 4>, etch::Conv2d<2, 3>, etch::Flatten, etch::Linear<3>>;
#else
using Net = Small;
#endif

constexpr auto parameters = etch::embedded_parameters<Net>(test::etch::std::weights);
