// SPDX-License-Identifier: BSL-1.0
#pragma once

// The road of the data, in reading order. Include all of it, or only as far as you need. What few
// files of a program want is not in here, for compilers take their time over it:
//
//   etch/train.hpp                     data sets, losses, optimizers, the trainer
//   etch/io/safetensors.hpp, npz.hpp, npy.hpp, header.hpp, embedded.hpp   weights in files
//   etch/network/live_parameters.hpp   weights that change while others run them
//   etch/network/fold.hpp              normalisations as part of the layers before them
//   etch/dispatch.hpp                  one binary for every CPU

#include "etch/config.hpp"

// Formulas: shapes, expressions, and the layers written in them.
#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/adaptive_pool.hpp"
#include "etch/layers/attention.hpp"
#include "etch/layers/batch_norm.hpp"
#include "etch/layers/bilinear.hpp"
#include "etch/layers/branches.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/conv_transpose.hpp"
#include "etch/layers/dropout.hpp"
#include "etch/layers/embedding.hpp"
#include "etch/layers/freeze.hpp"
#include "etch/layers/graph.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/mixture.hpp"
#include "etch/layers/names.hpp"
#include "etch/layers/norm.hpp"
#include "etch/layers/pad.hpp"
#include "etch/layers/piecewise.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/position.hpp"
#include "etch/layers/quantize.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/resize.hpp"
#include "etch/layers/sequential.hpp"
#include "etch/layers/several.hpp"
#include "etch/layers/shape.hpp"
#include "etch/layers/transformer.hpp"

// The tape: what formulas become, and what is done to it.
#include "etch/tape/gradient.hpp"
#include "etch/tape/interpret.hpp"
#include "etch/tape/lower.hpp"
#include "etch/tape/passes.hpp"
#include "etch/tape/plan.hpp"

// Networks that run.
#include "etch/network/interpreted.hpp"
#include "etch/network/derivatives.hpp"
#include "etch/network/dispatched_model.hpp"
#include "etch/network/lengths.hpp"
#include "etch/network/model.hpp"
#include "etch/network/network.hpp"
#include "etch/network/parameters.hpp"
#include "etch/network/quantized.hpp"
#include "etch/network/stream.hpp"
#include "etch/network/summary.hpp"
#include "etch/network/varying.hpp"
