// SPDX-License-Identifier: BSL-1.0
// Two layers side by side for three values.
// expect: this layer needs another input shape
// expect: AtLayer<0, Parallel<Linear<3>, Linear<3>>>, Expected<ValuesOf<2>>
// expect: Got<Shapes<Shape<4>, Shape<4>, Shape<2>>>
#include "etch/layers/linear.hpp"
#include "etch/layers/several.hpp"
#include "etch/network/model.hpp"

#ifdef MISTAKE
using In = etch::Inputs<etch::Shape<4>, etch::Shape<4>, etch::Shape<2>>;
#else
using In = etch::Inputs<etch::Shape<4>, etch::Shape<4>>;
#endif

etch::Model<etch::Network<In, etch::Parallel<etch::Linear<3>, etch::Linear<3>>, etch::Add>> model;
