// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <etch/layers/activations.hpp>
#include <etch/layers/linear.hpp>
#include <etch/network/dispatched_model.hpp>

using Net = etch::Network<etch::Input<2>, etch::Linear<3>, etch::ReLU, etch::Linear<1>>;
using Policy = etch::DispatchedModel<Net>;
