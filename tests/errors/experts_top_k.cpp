// SPDX-License-Identifier: BSL-1.0
// A mixture that wants more experts than it has.
// expect: this layer does not take what it is given between its angle brackets
// expect: AtLayer<0, MixtureOfExperts<Linear<4>, Linear<4>, TopK<3>>>
// expect: Expected<AtMost<2>>, Got<TopK<3>>
#include "etch/layers/mixture.hpp"
#include "etch/network/network.hpp"

using namespace etch;

#ifdef MISTAKE
using Top = TopK<3>;
#else
using Top = TopK<2>;
#endif
using Net = Network<Input<6>, MixtureOfExperts<Linear<4>, Linear<4>, Top>>;
static_assert(sizeof(Net::valid) == 1);
