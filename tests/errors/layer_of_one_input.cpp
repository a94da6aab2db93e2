// SPDX-License-Identifier: BSL-1.0
// A layer of one input behind two of them.
// expect: this layer needs another input shape
// expect: AtLayer<1, Linear<2>>, Expected<OneInput>, Got<Shapes<Shape<3>, Shape<3>>>
#include "etch/layers/linear.hpp"
#include "etch/layers/several.hpp"
#include "etch/network/model.hpp"

using In = etch::Inputs<etch::Shape<4>, etch::Shape<4>>;
using Legs = etch::Parallel<etch::Linear<3>, etch::Linear<3>>;

#ifdef MISTAKE
using Net = etch::Network<In, Legs, etch::Linear<2>>;
#else
using Net = etch::Network<In, Legs, etch::Join<0>, etch::Linear<2>>;
#endif
etch::Model<Net> model;
